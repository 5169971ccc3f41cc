package systemd

import (
	"testing"
	"time"
)

func TestParseTimeSpan_AgreesWithSystemd(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"50": 50 * time.Second, "5h 30min": 5*time.Hour + 30*time.Minute, "1d": day, "1w2d": 9 * day, "12h": 12 * time.Hour, "1.5h": 90 * time.Minute,
		"2m": 2 * time.Minute, "1M": month, "1us": time.Microsecond, "0": 0, "1y 12month": 2 * year, " 1 h ": time.Hour,
	} {
		if got, err := parseTimeSpan(text); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "infinity", "soon", "1 fortnight", "h", "1h x", "-5s", "999y", "1..2s"} {
		if got, err := parseTimeSpan(text); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}
