package auth

import (
	"fmt"
	"testing"
	"time"

	"overdue/internal/ratelimit"
)

// testTime is the time of the first attempt.
var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// attemptsBeforeThrottle returns the number of attempts that are accepted before one is throttled, at
// most 1000.
func attemptsBeforeThrottle(th *throttle, at func(n int) attempt) (n int) {
	for n < 1000 {
		if rest, _ := th.reserve(at(n), testTime); rest > 0 {
			break
		}
		n++
	}
	return n
}

func TestThrottle_CountsByAccountByNetworkAndByBoth(t *testing.T) {
	for name, c := range map[string]struct {
		max int
		at  func(n int) attempt
	}{
		"one account from one address":   {10, func(int) attempt { return attempt{email: "a", exists: true, address: "192.0.2.1"} }},
		"one that does not exist":        {10, func(int) attempt { return attempt{email: "a", address: "192.0.2.1"} }},
		"one account from everywhere":    {1000, func(n int) attempt { return attempt{email: "a", exists: true, address: v4(n)} }},
		"all accounts from one address":  {50, func(n int) attempt { return attempt{email: fmt.Sprint(n), address: "192.0.2.1"} }},
		"all accounts from one IPv6 /64": {50, func(n int) attempt { return attempt{email: fmt.Sprint(n), address: fmt.Sprintf("2001:db8::%d", n+1)} }},
		"all accounts from one IPv6 /48": {500, func(n int) attempt { return attempt{email: fmt.Sprint(n), address: fmt.Sprintf("2001:db8:0:%x::1", n)} }},
		"one account from one IPv6 /48": {100, func(n int) attempt {
			return attempt{email: "a", exists: true, address: fmt.Sprintf("2001:db8:0:%x::1", n)}
		}},
		"one account in letters of cases": {10, func(n int) attempt { return attempt{email: []string{"a", "A"}[n%2], address: "192.0.2.1"} }},
		"one account from one browser":    {10, func(n int) attempt { return attempt{email: "a", exists: true, address: v4(n), browser: "b"} }},
	} {
		th := newThrottle()
		if got := attemptsBeforeThrottle(th, c.at); got != c.max {
			t.Errorf("%s: %d tries; want %d", name, got, c.max)
		}
		if rest, _ := th.reserve(c.at(0), testTime.Add(throttleWindow)); rest > 0 {
			t.Errorf("%s: still at rest after the window", name)
		}
	}
}

// v4 returns the nth IPv4 address.
func v4(n int) string { return fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255) }

func TestThrottle_AnAccountAttackedFromEverywhereIsAnsweredWithGrowingDelays(t *testing.T) {
	th := newThrottle()
	var delays []time.Duration
	for n := range 400 {
		rest, delay := th.reserve(attempt{email: "a", exists: true, address: v4(n)}, testTime)
		if rest > 0 {
			t.Fatalf("attempt %d is rejected", n)
		}
		if n%50 == 0 {
			delays = append(delays, delay/time.Second)
		}
	}
	if got, want := fmt.Sprint(delays), "[0s 0s 1ns 2ns 4ns 8ns 16ns 16ns]"; got != want {
		t.Errorf("delays in seconds %s; want %s", got, want)
	}
	if rest, delay := th.reserve(attempt{email: "a", exists: true, address: "192.0.2.1", browser: "known"}, testTime); rest > 0 || delay > 0 {
		t.Errorf("a browser that signed in lately waits %s, %s", rest, delay)
	}
}

func TestThrottle_TheCorrectPasswordClearsTheWrongOnes(t *testing.T) {
	th, a := newThrottle(), attempt{email: "a", exists: true, address: "192.0.2.1"}
	for n := range 50 {
		if rest, _ := th.reserve(a, testTime); rest > 0 {
			t.Fatalf("try %d must wait %s", n, rest)
		}
		if n%5 == 4 {
			th.succeed(a)
		}
	}
}

func TestThrottle_AnAttemptThatWasNotAnsweredDoesNotCount(t *testing.T) {
	th, a := newThrottle(), attempt{email: "a", exists: true, address: "2001:db8::1"}
	for range 1000 {
		if rest, _ := th.reserve(a, testTime); rest > 0 {
			t.Fatal("at rest")
		}
		th.undo(a)
	}
	for p, counters := range th.counters {
		if n := counters.Len(); n > 0 {
			t.Errorf("pool %d has %d counters", p, n)
		}
	}
}

func TestThrottle_ResettingAnAccountResetsNoOther(t *testing.T) {
	th := newThrottle()
	attempts := func(email string) []attempt {
		return []attempt{
			{email: email, exists: true, address: "192.0.2.1"}, {email: email, exists: true, address: "192.0.2.2", browser: "b"},
		}
	}
	for _, email := range []string{"a", "b"} {
		for _, a := range attempts(email) {
			for range maxPerPair {
				th.reserve(a, testTime)
			}
		}
	}
	th.resetAccount("A")
	for i := range attempts("a") {
		if rest, _ := th.reserve(attempts("a")[i], testTime); rest > 0 {
			t.Errorf("attempt %d of the forgiven account must wait", i)
		}
		if rest, _ := th.reserve(attempts("b")[i], testTime); rest == 0 {
			t.Errorf("attempt %d of another account was forgiven too", i)
		}
	}
}

func TestThrottle_UnknownAccountsEvictNoOtherCounters(t *testing.T) {
	th, later := newThrottle(), testTime.Add(time.Minute)
	victim := attempt{email: "victim", exists: true, address: "198.51.100.1"}
	for range maxPerPair {
		th.reserve(victim, testTime)
	}
	guessed := func(n int) attempt { return attempt{email: "guessed", exists: true, address: v4(1<<20 + n)} }
	for n := range maxPerAccount {
		th.reserve(guessed(n), testTime)
	}
	// These attempts are later and more frequent, so their counters are discarded last.
	for n := range ratelimit.MaxKeys * 5 / 4 * (maxPerPair + 1) {
		th.reserve(attempt{email: fmt.Sprint(n / (maxPerPair + 1)), address: v4(n)}, later)
	}
	for p, counters := range th.counters {
		if n := counters.Len(); n > ratelimit.MaxKeys {
			t.Errorf("pool %d: %d counters; want at most %d", p, n, ratelimit.MaxKeys)
		}
	}
	if n, _ := th.counters[accountPool].Count("victim", later); n != maxPerPair {
		t.Errorf("a flood made it forget the tries for an account: %d attempts", n)
	}
	if rest, _ := th.reserve(victim, later); rest == 0 {
		t.Error("a flood made it forget who is at rest")
	}
	if _, delay := th.reserve(guessed(maxPerAccount), later); delay == 0 {
		t.Error("a flood made it forget the account that is attacked")
	}
}
