package safetext_test

import (
	"testing"
	"time"

	"overdue/internal/safetext"
)

func TestLocalTimes_ReplacesEveryTimeOfAnExplanation(t *testing.T) {
	format := func(at time.Time) string { return at.Add(time.Hour).Format("15:04") }
	for text, want := range map[string]string{
		"last ping 2026-11-29 23:17:00 UTC + interval 1 h = due 2026-11-30 00:17:00 UTC.": "last ping 00:17 + interval 1 h = due 01:17.",
		"2026-13-29 23:17:00 UTC":         "2026-13-29 23:17:00 UTC",
		"due 2026-11-29 23:17:00":         "due 2026-11-29 23:17:00",
		"no ping arrived since 23:17 UTC": "no ping arrived since 23:17 UTC",
		"":                                "",
	} {
		if got := safetext.LocalTimes(text, format); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
