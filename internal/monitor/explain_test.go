package monitor

import (
	"strings"
	"testing"
	"time"
)

// The sentences contain every time of the calculation. Package schedule tests the format of
// durations.
func TestWhy_StatesEveryStepToTheDeadline(t *testing.T) {
	long := fiveMinuteRule
	long.MaxRunTime = 20 * time.Minute
	first, short, start, twice, few := fiveMinuteRule, fiveMinuteRule, fiveMinuteRule, fiveMinuteRule, calendarRule(60)
	first.ExpectFirstBy, short.MinRunTime, start.StartGrace = epoch.Add(minutes(30)), time.Minute, time.Minute
	twice.AlertAfter, few.AlertAfter = 2, 2
	for _, row := range []struct {
		name  string
		rule  Rule
		steps []action
		now   time.Duration
		want  []string
	}{
		{"New", fiveMinuteRule, nil, minutes(1), []string{"No ping has arrived"}},
		{"Paused", fiveMinuteRule, []action{pingAt(PingSuccess, 0), pauseAt(minutes(1))}, minutes(2), []string{"Paused"}},
		{"Up", fiveMinuteRule, []action{pingAt(PingSuccess, 0)}, minutes(4), []string{"Up: last ping", "00:00:00", "due", "00:05:00", "deadline", "00:07:00"}},
		{"Late", fiveMinuteRule, []action{pingAt(PingSuccess, 0)}, minutes(6), []string{"Late: last ping", "00:07:00", "is not reached yet"}},
		{
			"LateWithARunPastTheDeadline", long,
			[]action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(6)), evaluateAt(minutes(6))},
			minutes(8),
			[]string{"Late: last ping", "00:07:00", "has passed", "a run that started before it is in progress"},
		},
		{"Missed", fiveMinuteRule, []action{pingAt(PingSuccess, 0), evaluateAt(minutes(7))}, minutes(8), []string{"Down: last ping", "00:07:00", "no ping arrived"}},
		{"Failed", fiveMinuteRule, []action{pingAt(PingFail, minutes(1))}, minutes(8), []string{"reported a failure", "00:01:00"}},
		{"Overran", fiveMinuteRule, []action{pingAt(PingStart, 0), evaluateAt(minutes(2))}, minutes(8), []string{"exceeded its time limit", "no finish"}},
		{
			"Resumed", fiveMinuteRule,
			[]action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), resumeAt(minutes(2))},
			minutes(3),
			[]string{"Up: resumed", "00:02:00", "00:07:00", "00:09:00"},
		},
		{"NewAndExpected", first, nil, minutes(1), []string{"No ping has arrived", "expected by", "00:30:00"}},
		{"NeverCame", first, []action{evaluateAt(minutes(31))}, minutes(40), []string{"Down", "first ping", "00:30:00", "none arrived"}},
		{
			"NeverCameAfterABlackout", first,
			[]action{blackout(minutes(30)-seconds(5), minutes(30)+seconds(5)), evaluateAt(minutes(31))},
			minutes(40),
			[]string{"Down", "first ping", "00:30:10", "none arrived"},
		},
		{
			"UnknownRun", long,
			[]action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(1)), blackout(minutes(10), minutes(22)), evaluateAt(minutes(23))},
			minutes(23),
			[]string{"Up: Overdue was not watching from", "00:10:00", "00:22:00", "due", "00:27:00", "00:29:00"},
		},
		{"TooShort", short, []action{pingAt(PingStart, 0), pingAt(PingSuccess, minutes(0.5))}, minutes(1), []string{"took 30", "minimum run time 1"}},
		{"NotStarted", start, []action{pingAt(PingSuccess, 0), evaluateAt(minutes(6))}, minutes(6), []string{"00:05:00", "start grace 1", "no run had started"}},
		{"LateBeforeTheStartGrace", start, []action{pingAt(PingSuccess, 0)}, minutes(5.5), []string{"Late", "must start", "00:06:00"}},
		{"Borne", twice, []action{pingAt(PingFail, 0)}, minutes(1), []string{"Up", "1 consecutive failed run (alert threshold: 2)."}},
		{"SilenceBorne", twice, []action{pingAt(PingSuccess, 0)}, minutes(6), []string{"due", "00:05:00", "failed run 2 in a row", "00:10:00", "deadline", "00:12:00"}},
		{"OverranAndBorne", twice, []action{pingAt(PingSuccess, 0), pingAt(PingStart, minutes(5)), evaluateAt(minutes(7))}, minutes(8), []string{"Up", "run of", "00:05:00", "failed", "another interval", "00:10:00", "1 consecutive failed run"}},
		{"Early", calendarRule(60, 120), []action{pingAt(PingSuccess, minutes(59))}, minutes(60), []string{"early for the slot", "01:00:00", "as listed", "due", "02:00:00"}},
		{"NoSlotLeft", calendarRule(60), []action{pingAt(PingSuccess, minutes(60))}, minutes(61), []string{"no further slots"}},
		{"TooFewSlotsLeft", few, []action{pingAt(PingSuccess, minutes(1))}, minutes(2), []string{"due", "01:00:00", "too few slots"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			mustContain(t, play(t, row.rule, row.steps...).h.Why(epoch.Add(row.now)), row.want)
		})
	}
}

func TestOpening_StatesEveryStepToTheDeadline(t *testing.T) {
	long := fiveMinuteRule
	long.MaxRunTime = 20 * time.Minute
	first, start, twice := fiveMinuteRule, fiveMinuteRule, fiveMinuteRule
	first.ExpectFirstBy, start.StartGrace, twice.AlertAfter = epoch.Add(minutes(30)), time.Minute, 2
	for _, row := range []struct {
		name  string
		rule  Rule
		steps []action
		want  []string
	}{
		{"Missed", fiveMinuteRule, []action{pingAt(PingSuccess, 0)}, []string{"last ping", "00:00:00", "due", "00:05:00", "grace", "deadline", "00:07:00", "no ping arrived"}},
		{
			"MissedAfterAResumption", fiveMinuteRule,
			[]action{pingAt(PingSuccess, 0), pauseAt(minutes(1)), resumeAt(minutes(2))},
			[]string{"resumed", "00:02:00", "00:09:00"},
		},
		{"OverranTheGrace", fiveMinuteRule, []action{pingAt(PingStart, minutes(1))}, []string{"started", "00:01:00", "grace", "00:03:00", "no finish arrived"}},
		{"OverranTheMaximum", long, []action{pingAt(PingStart, minutes(1))}, []string{"started", "00:01:00", "maximum run time", "00:21:00"}},
		{"NeverCame", first, nil, []string{"first ping", "00:30:00", "none arrived"}},
		{"NotStarted", start, []action{pingAt(PingSuccess, 0)}, []string{"due", "00:05:00", "start grace 1", "00:06:00", "no run had started"}},
		{"OverranAsTheSecond", twice, []action{pingAt(PingFail, 0), pingAt(PingStart, minutes(1))}, []string{"no finish arrived", "2 consecutive failed runs (alert threshold: 2)."}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, change := play(t, row.rule, row.steps...).h.Evaluate(epoch.Add(minutes(60)))
			if change.Opened == nil {
				t.Fatal("no incident opened")
			}
			mustContain(t, change.Opened.Reason, row.want)
		})
	}
}

func TestExplainFailure_WithoutAnExitCodeMentionsNone(t *testing.T) {
	got := explainFailure(Ping{Kind: PingFail, At: epoch, ExitCode: NoExitCode})
	if want := "The job reported a failure at 2026-03-01 00:00:00 UTC."; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

// mustContain checks that the parts occur in the text in order.
func mustContain(t *testing.T, text string, parts []string) {
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
