package settings

import (
	"strings"
	"testing"
	"time"
)

func TestAge_UnmarshalText(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90d": 90 * day, "1d": day, " 400 D ": 400 * day, "2w": 14 * day, "24h": day, "36h": 36 * time.Hour, "36500d": 36500 * day,
		"forever": 0, "Forever": 0, "0": 0,
	} {
		a := Age(1)
		if err := a.UnmarshalText([]byte(text)); err != nil || time.Duration(a) != want {
			t.Errorf("%q: %s, %v; want %s", text, time.Duration(a), err, want)
		}
	}
	for text, want := range map[string]string{
		"23h": "at least 1d", "0d": "at least 1d", "90": "number of days such as 90d", "": "number of days", "-5d": "number of days", "1.5d": "number of days",
		"90m": "number of days", "36501d": "at most 36500d", "4294967295w": "at most 36500d", "d": "number of days",
	} {
		a := Age(1)
		if err := a.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", text, err, want)
		}
	}
}
