package deliver

import (
	"testing"
	"time"
)

func TestRetryDelay_GrowsToAMaximum(t *testing.T) {
	want := []time.Duration{
		10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
		15 * time.Minute, 15 * time.Minute, 15 * time.Minute,
	}
	for i, w := range want {
		if got := retryDelay(i+1, 0); got != w {
			t.Errorf("after attempt %d wait %s; want %s", i+1, got, w)
		}
		if got := retryDelay(i+1, 1); got != w+w/10 {
			t.Errorf("after attempt %d wait at most %s; want %s", i+1, got, w+w/10)
		}
	}
}

func TestNextAttempt_RetriesEndAfterADay(t *testing.T) {
	owed := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at, tries := owed, 1
	for {
		next, worth := nextAttempt(owed, at, tries, 0, 0.5)
		if !worth {
			break
		}
		at, tries = next, tries+1
	}
	if passed := at.Sub(owed); passed < 24*time.Hour-16*time.Minute || passed > 24*time.Hour {
		t.Errorf("last try after %s; want one within the last quarter of the day", passed)
	}
	if tries < 90 || tries > 100 {
		t.Errorf("tried %d times; want about 96", tries)
	}
}

func TestNextAttempt_RetryAfterCountsOnlyIfItIsLonger(t *testing.T) {
	owed := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if next, _ := nextAttempt(owed, owed, 1, time.Hour, 0); !next.Equal(owed.Add(time.Hour)) {
		t.Errorf("asked to wait an hour, next try at %s", next)
	}
	if next, _ := nextAttempt(owed, owed, 1, time.Second, 0); !next.Equal(owed.Add(10 * time.Second)) {
		t.Errorf("asked to wait a second, next try at %s; want our own 10 s", next)
	}
	if _, worth := nextAttempt(owed, owed.Add(24*time.Hour-time.Minute), 90, 2*time.Hour, 0); worth {
		t.Error("worth a try after more than a day")
	}
}

func TestNextAttempt_RetryAfterNeverEndsTheRetries(t *testing.T) {
	owed := time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)
	for _, asked := range []time.Duration{2 * time.Hour, 24 * time.Hour, 25 * time.Hour, 1<<63 - 1} {
		next, worth := nextAttempt(owed, owed, 1, asked, 0)
		if !worth || !next.Equal(owed.Add(time.Hour)) {
			t.Errorf("asked to wait %s: next try %s, %t; want after an hour", asked, next, worth)
		}
		late := owed.Add(23*time.Hour + 30*time.Minute)
		next, worth = nextAttempt(owed, late, 90, asked, 0)
		if !worth || !next.Equal(owed.Add(retryWindow)) {
			t.Errorf("asked to wait %s near the end: next try %s, %t; want a last one at the end", asked, next, worth)
		}
	}
}
