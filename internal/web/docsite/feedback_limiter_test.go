package docsite

import (
	"strings"
	"testing"
	"time"
)

func TestDocsFeedback_IsRateLimitedByAddress(t *testing.T) {
	th, now := NewFeedbackLimiter(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for n := range addressBurst {
		if !th.Allow("a", now) {
			t.Fatalf("feedback %d was rejected", n+1)
		}
	}
	if th.Allow("a", now) || !th.Allow("b", now) {
		t.Error("addresses are not limited separately")
	}
	if !th.Allow("a", now.Add(addressInterval)) {
		t.Error("no feedback is accepted after the interval")
	}
	taken := 0
	for n := range 1000 {
		if th.Allow(strings.Repeat("x", n+2), now.Add(addressInterval)) {
			taken++
		}
	}
	if taken > totalBurst {
		t.Errorf("%d comments were accepted at once", taken)
	}
}
