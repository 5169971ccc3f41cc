package monitor

import (
	"strings"
	"testing"
	"time"
)

// The sentences name every moment of the arithmetic. How a duration is written
// is the business of package schedule.
func TestWhyNamesTheArithmetic(t *testing.T) {
	long := nightly
	long.MaxRunTime = 20 * time.Minute
	for _, row := range []struct {
		name  string
		rule  Rule
		steps []step
		now   time.Duration
		want  []string
	}{
		{"New", nightly, nil, minutes(1), []string{"No ping has come"}},
		{"Paused", nightly, []step{hear(Success, 0), pause(minutes(1))}, minutes(2), []string{"paused"}},
		{"Up", nightly, []step{hear(Success, 0)}, minutes(4), []string{"Up: last ping", "00:00:00", "due", "00:05:00", "deadline", "00:07:00"}},
		{"Late", nightly, []step{hear(Success, 0)}, minutes(6), []string{"Late: last ping", "00:07:00", "has not been reached"}},
		{
			"LateWithARunPastTheDeadline", long,
			[]step{hear(Success, 0), hear(Start, minutes(6)), sweep(minutes(6))},
			minutes(8),
			[]string{"Late: last ping", "00:07:00", "has passed", "a run that began by then is in progress"},
		},
		{"Missed", nightly, []step{hear(Success, 0), sweep(minutes(7))}, minutes(8), []string{"Down: last ping", "00:07:00", "no ping came"}},
		{"Failed", nightly, []step{hear(Fail, minutes(1))}, minutes(8), []string{"reported a failure", "00:01:00"}},
		{"Overran", nightly, []step{hear(Start, 0), sweep(minutes(2))}, minutes(8), []string{"took longer", "no finish"}},
		{
			"Resumed", nightly,
			[]step{hear(Success, 0), pause(minutes(1)), resume(minutes(2))},
			minutes(3),
			[]string{"Up: resumed", "00:02:00", "00:07:00", "00:09:00"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			contains(t, tell(t, row.rule, row.steps...).h.Why(epoch.Add(row.now)), row.want)
		})
	}
}

func TestAnOpeningNamesTheArithmetic(t *testing.T) {
	long := nightly
	long.MaxRunTime = 20 * time.Minute
	for _, row := range []struct {
		name  string
		rule  Rule
		steps []step
		want  []string
	}{
		{"Missed", nightly, []step{hear(Success, 0)}, []string{"last ping", "00:00:00", "due", "00:05:00", "grace", "deadline", "00:07:00", "no ping came"}},
		{
			"MissedAfterAResumption", nightly,
			[]step{hear(Success, 0), pause(minutes(1)), resume(minutes(2))},
			[]string{"resumed", "00:02:00", "00:09:00"},
		},
		{"OverranTheGrace", nightly, []step{hear(Start, minutes(1))}, []string{"started", "00:01:00", "grace", "00:03:00", "no finish came"}},
		{"OverranTheMaximum", long, []step{hear(Start, minutes(1))}, []string{"started", "00:01:00", "maximum run time", "00:21:00"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, change := tell(t, row.rule, row.steps...).h.Lapse(epoch.Add(minutes(60)))
			if change.Opened == nil {
				t.Fatal("no incident opened")
			}
			contains(t, change.Opened.Because, row.want)
		})
	}
}

func TestAFailureWithoutAnExitCodeNamesNone(t *testing.T) {
	got := becauseFailed(Ping{Kind: Fail, At: epoch, ExitCode: NoExitCode})
	if want := "The job reported a failure at 2026-03-01 00:00:00 UTC."; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

// contains checks that the parts occur in the text in their order.
func contains(t *testing.T, text string, parts []string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("%q lacks %q, in this order", text, part)
		}
		rest = after
	}
}
