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
	first, short, start, twice, few := nightly, nightly, nightly, nightly, calendarAt(60)
	first.ExpectFirstBy, short.MinRunTime, start.StartGrace = epoch.Add(minutes(30)), time.Minute, time.Minute
	twice.AlertAfter, few.AlertAfter = 2, 2
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
		{"NewAndExpected", first, nil, minutes(1), []string{"No ping has come", "expected by", "00:30:00"}},
		{"NeverCame", first, []step{sweep(minutes(31))}, minutes(40), []string{"Down", "first ping", "00:30:00", "none came"}},
		{"TooShort", short, []step{hear(Start, 0), hear(Success, minutes(0.5))}, minutes(1), []string{"took 30", "minimum run time 1"}},
		{"NotStarted", start, []step{hear(Success, 0), sweep(minutes(6))}, minutes(6), []string{"00:05:00", "start grace 1", "nothing had begun"}},
		{"LateBeforeTheStartGrace", start, []step{hear(Success, 0)}, minutes(5.5), []string{"Late", "must have begun", "00:06:00"}},
		{"Borne", twice, []step{hear(Fail, 0)}, minutes(1), []string{"Up", "1 of 2 bad runs in a row"}},
		{"SilenceBorne", twice, []step{hear(Success, 0)}, minutes(6), []string{"due", "00:05:00", "number 2", "00:10:00", "deadline", "00:12:00"}},
		{"OverranAndBorne", twice, []step{hear(Success, 0), hear(Start, minutes(5)), sweep(minutes(7))}, minutes(8), []string{"Up", "run of", "00:05:00", "bad", "another interval", "00:10:00", "1 of 2"}},
		{"Early", calendarAt(60, 120), []step{hear(Success, minutes(59))}, minutes(60), []string{"early for the slot", "01:00:00", "as listed", "due", "02:00:00"}},
		{"NoSlotLeft", calendarAt(60), []step{hear(Success, minutes(60))}, minutes(61), []string{"none any more"}},
		{"TooFewSlotsLeft", few, []step{hear(Success, minutes(1))}, minutes(2), []string{"due", "01:00:00", "too few slots"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			contains(t, tell(t, row.rule, row.steps...).h.Why(epoch.Add(row.now)), row.want)
		})
	}
}

func TestAnOpeningNamesTheArithmetic(t *testing.T) {
	long := nightly
	long.MaxRunTime = 20 * time.Minute
	first, start, twice := nightly, nightly, nightly
	first.ExpectFirstBy, start.StartGrace, twice.AlertAfter = epoch.Add(minutes(30)), time.Minute, 2
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
		{"NeverCame", first, nil, []string{"first ping", "00:30:00", "none came"}},
		{"NotStarted", start, []step{hear(Success, 0)}, []string{"due", "00:05:00", "start grace 1", "00:06:00", "nothing had begun"}},
		{"OverranAsTheSecond", twice, []step{hear(Fail, 0), hear(Start, minutes(1))}, []string{"no finish came", "2 bad runs in a row; 2 are told"}},
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
