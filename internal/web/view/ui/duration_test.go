package ui_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"overdue/internal/web/view/ui"
)

const (
	s = time.Second
	m = time.Minute
	h = time.Hour
	d = 24 * time.Hour
)

// checkDurations compares the texts of durations with a table.
func checkDurations(t *testing.T, say func(time.Duration) string, want map[time.Duration]string) {
	t.Helper()
	for in, words := range want {
		if got := say(in); got != words {
			t.Errorf("%v reads %q; want %q", in, got, words)
		}
	}
}

func TestElapsed_RoundsDown(t *testing.T) {
	checkDurations(t, ui.Elapsed, map[time.Duration]string{
		-3 * s: "0s", 0: "0s", 999 * time.Millisecond: "0s", 41*s + 900*time.Millisecond: "41s", 59 * s: "59s", m: "1m",
		3*m + 44*s: "3m", 7*m + 59*s: "7m", h: "1h", 4*h + 51*m + 59*s: "4h 51m", 2*h + 30*s: "2h", d: "1d",
		2*d + 3*h + 59*m: "2d 3h", 41 * d: "41d", 3*d + 59*m: "3d",
	})
}

func TestRemaining_RoundsUp(t *testing.T) {
	checkDurations(t, ui.Remaining, map[time.Duration]string{
		-s: "0s", 0: "0s", time.Millisecond: "1s", 22 * s: "22s", 59*s + 1: "1m", 61 * s: "2m", 6*m + 16*s: "7m",
		4*h + 50*m + 1*s: "4h 51m", 59*m + 1*s: "1h", 23*h + 59*m + 1*s: "1d", d + 1*s: "1d 1h", 4*d + 5*h + 50*m: "4d 6h",
	})
}

func TestElapsed_AndRemainingAddUpToTheGracePeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grace := time.Duration(rapid.IntRange(2, 23*60).Draw(t, "grace")) * m
		late := time.Duration(rapid.Int64Range(int64(m), int64(grace-m)).Draw(t, "late"))
		a, errA := time.ParseDuration(withoutSpaces(ui.Elapsed(late)))
		b, errB := time.ParseDuration(withoutSpaces(ui.Remaining(grace - late)))
		if errA != nil || errB != nil || a+b != grace {
			t.Fatalf("late by %s and down in %s do not make %v", ui.Elapsed(late), ui.Remaining(grace-late), grace)
		}
	})
}

// withoutSpaces removes spaces, as time.ParseDuration requires.
func withoutSpaces(words string) string {
	var b []rune
	for _, r := range words {
		if r != ' ' {
			b = append(b, r)
		}
	}
	return string(b)
}

func TestRunTime_ShowsSecondsAndTenths(t *testing.T) {
	checkDurations(t, ui.RunTime, map[time.Duration]string{
		0: "0s", 300 * time.Microsecond: "<\u00a01ms", 7 * time.Millisecond: "7ms", 49*time.Millisecond + 900*time.Microsecond: "49ms", 50 * time.Millisecond: "0.1s", 400 * time.Millisecond: "0.4s", 38 * s: "38s", 4*m + 12*s: "4m 12s", 46*m + 58*s: "46m 58s",
		2*h + 14*m + 9*s: "2h 14m", 2 * m: "2m",
	})
}

func TestExactDuration_CanBeTypedAgain(t *testing.T) {
	checkDurations(t, ui.ExactDuration, map[time.Duration]string{
		0: "0s", 30 * s: "30s", 10 * m: "10m", 90 * m: "1h 30m", 24 * h: "24h", 36 * h: "36h", 48 * h: "48h", 72 * h: "3d",
		3*d + 12*h: "3d 12h", h + 30*m + 15*s: "1h 30m 15s", 7 * d: "7d", d + 5*s: "1d 5s",
	})
}

func TestAgo_UsesOneUnit(t *testing.T) {
	checkDurations(t, ui.Ago, map[time.Duration]string{
		-m: "just now", 0: "just now", 4*s + 999*time.Millisecond: "just now", 5 * s: "5s ago", 38 * s: "38s ago", 18*m + 44*s: "18m ago",
		19*h + 9*m: "19h ago", 3*d + 12*h: "3d ago",
	})
}

func TestLatency_HasOneDecimal(t *testing.T) {
	checkDurations(t, ui.Latency, map[time.Duration]string{
		800 * time.Millisecond: "0.8\u00a0s", 10 * s: "10.0\u00a0s", 0: "<\u00a00.1\u00a0s", 49 * time.Millisecond: "<\u00a00.1\u00a0s", 50 * time.Millisecond: "0.1\u00a0s",
	})
}
