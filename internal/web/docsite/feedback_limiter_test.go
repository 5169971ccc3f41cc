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
			t.Fatalf("answer %d is refused", n+1)
		}
	}
	if th.Allow("a", now) || !th.Allow("b", now) {
		t.Error("one address is not told apart from another")
	}
	if !th.Allow("a", now.Add(addressInterval)) {
		t.Error("after a rest nothing is taken")
	}
	taken := 0
	for n := range 1000 {
		if th.Allow(strings.Repeat("x", n+2), now.Add(addressInterval)) {
			taken++
		}
	}
	if taken > totalBurst {
		t.Errorf("%d answers were taken at once", taken)
	}
}
