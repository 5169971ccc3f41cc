package auth

import (
	"fmt"
	"testing"
	"time"
)

func TestTriesAreCountedByAccountByAddressAndByBoth(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		most int
		who  func(n int) (email, address string)
	}{
		"one account from one address":    {mostPerPair, func(int) (string, string) { return "a", "192.0.2.1" }},
		"one account from everywhere":     {mostPerAccount, func(n int) (string, string) { return "a", fmt.Sprintf("192.0.2.%d", n) }},
		"all accounts from one address":   {mostPerAddress, func(n int) (string, string) { return fmt.Sprint(n), "192.0.2.1" }},
		"all accounts from one IPv6 net":  {mostPerAddress, func(n int) (string, string) { return fmt.Sprint(n), fmt.Sprintf("2001:db8::%d", n+1) }},
		"one account in letters of cases": {mostPerPair, func(n int) (string, string) { return []string{"a", "A"}[n%2], "192.0.2.1" }},
	} {
		th, took := newThrottle(), 0
		for n := range 200 {
			if email, address := c.who(n); th.try(email, address, now) > 0 {
				break
			}
			took++
		}
		if took != c.most {
			t.Errorf("%s: %d tries; want %d", name, took, c.most)
		}
		if email, address := c.who(0); th.try(email, address, now.Add(throttleWindow)) > 0 {
			t.Errorf("%s: still at rest after the window", name)
		}
	}
}

func TestTheRightPasswordForgivesTheWrongOnes(t *testing.T) {
	now, th := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), newThrottle()
	for n := range 50 {
		if wait := th.try("a", "192.0.2.1", now); wait > 0 {
			t.Fatalf("try %d must wait %s", n, wait)
		}
		if n%5 == 4 {
			th.right("a", "192.0.2.1")
		}
	}
}

func TestTheThrottleIsBounded(t *testing.T) {
	now, th := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), newThrottle()
	for range mostPerPair {
		th.try("victim", "198.51.100.1", now.Add(time.Hour))
	}
	for n := range mostCounters {
		th.try(fmt.Sprint(n), fmt.Sprintf("10.%d.%d.1", n/250, n%250), now)
	}
	if len(th.counters) > mostCounters {
		t.Errorf("%d counters; want at most %d", len(th.counters), mostCounters)
	}
	if th.try("victim", "198.51.100.1", now.Add(time.Hour)) == 0 {
		t.Error("a flood made it forget who is at rest")
	}
}
