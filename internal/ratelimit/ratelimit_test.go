package ratelimit

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// noon is the time of the first event of each test.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestLimiter_AllowsABurstAndThenTheRate(t *testing.T) {
	l := NewLimiter(time.Minute, 3)
	for i := range 3 {
		if wait := l.Allow("a", noon); wait > 0 {
			t.Fatalf("event %d of the burst must wait %s", i+1, wait)
		}
	}
	if wait := l.Allow("a", noon); wait != time.Minute {
		t.Errorf("after the burst wait %s; want a minute", wait)
	}
	if wait := l.Allow("a", noon.Add(30*time.Second)); wait != 30*time.Second {
		t.Errorf("half a minute later wait %s; want 30 s: a rejected event must not count", wait)
	}
	if wait := l.Allow("a", noon.Add(time.Minute)); wait > 0 {
		t.Errorf("a minute later wait %s; want none", wait)
	}
	if wait := l.Allow("b", noon); wait > 0 {
		t.Errorf("another key must wait %s", wait)
	}
}

func TestLimiter_AFloodOfKeysIsLimitedAndDoesNotResetAKeyAtItsLimit(t *testing.T) {
	l := NewLimiter(time.Hour, 2)
	l.Allow("victim", noon)
	l.Allow("victim", noon)
	for n := range 3 * MaxKeys {
		l.Allow(fmt.Sprint(n), noon)
	}
	if len(l.buckets) > MaxKeys {
		t.Errorf("%d keys; want at most %d", len(l.buckets), MaxKeys)
	}
	if l.Allow("victim", noon) == 0 {
		t.Error("a flood of other keys reset a key at its limit")
	}
}

func TestCounter_CountsInAWindowThatStartsWithTheFirstEvent(t *testing.T) {
	c := NewCounter(time.Minute)
	c.Add("a", noon)
	c.Add("a", noon.Add(30*time.Second))
	if n, ends := c.Count("a", noon.Add(59*time.Second)); n != 2 || !ends.Equal(noon.Add(time.Minute)) {
		t.Errorf("%d events until %s; want 2 until a minute after the first", n, ends)
	}
	if n, _ := c.Count("a", noon.Add(time.Minute)); n != 0 {
		t.Errorf("%d events after the window; want 0", n)
	}
	c.Add("a", noon.Add(time.Minute))
	if n, _ := c.Count("a", noon.Add(time.Minute)); n != 1 {
		t.Errorf("%d events in the second window; want 1", n)
	}
}

func TestCounter_UndoAndResetDropKeysWithoutEvents(t *testing.T) {
	c := NewCounter(time.Minute)
	c.Add("a", noon)
	c.Undo("a")
	c.Undo("unknown")
	c.Add("b", noon)
	c.Reset("b")
	c.Add("c x", noon)
	c.ResetFunc(func(key string) bool { return key == "c x" })
	if c.Len() != 0 {
		t.Errorf("%d keys; want 0", c.Len())
	}
}

func TestCounter_AFloodOfKeysDropsExpiredKeysThenThoseWithFewEvents(t *testing.T) {
	c := NewCounter(time.Minute)
	for n := range MaxKeys {
		c.Add(fmt.Sprint("expired ", n), noon.Add(-time.Hour))
	}
	c.Add("a", noon)
	if c.Len() != 1 {
		t.Errorf("%d keys; want only the one that has not expired", c.Len())
	}
	c.Add("a", noon)
	for n := range 2 * MaxKeys {
		c.Add(fmt.Sprint(n), noon)
	}
	if n, _ := c.Count("a", noon); n != 2 || c.Len() > MaxKeys {
		t.Errorf("%d events and %d keys; want 2 events and at most %d keys", n, c.Len(), MaxKeys)
	}
}

func TestNetwork_IsAnIPv4AddressOrAnIPv6Slash64(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		if got := Network(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s: %s; want %s", address, got, want)
		}
		if got := NetworkKey(address); got != want {
			t.Errorf("key of %s: %s; want %s", address, got, want)
		}
	}
	if Network(netip.Addr{}).IsValid() || NetworkKey("@") != "@" {
		t.Error("an address that is no IP address has a network")
	}
}
