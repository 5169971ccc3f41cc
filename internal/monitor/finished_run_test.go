package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Clients send the pings of a short run on two connections, in any order.
func TestApplyPing_AStartAfterTheEndOfItsRunStartsNothing(t *testing.T) {
	limited := fiveMinuteRule
	limited.MaxRunTime, limited.MinRunTime, limited.StartGrace = time.Minute, time.Second, time.Minute
	runScenarios(t, []scenarioCase{
		{"after a success", limited, []action{
			pingOfRun(PingSuccess, "a", 0), pingOfRun(PingStart, "a", seconds(1)), evaluateAt(minutes(4)),
		}, Up, nil},
		{"after a failure that is tolerated", Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute, MaxRunTime: time.Minute, AlertAfter: 2, Methods: AnyMethod}, []action{
			pingOfRun(PingFail, "a", 0), pingOfRun(PingStart, "a", seconds(1)), evaluateAt(minutes(4)),
		}, Up, nil},
		{"it arrived before, and is stored after", limited, []action{
			pingOfRun(PingSuccess, "a", seconds(2)), applyPingWithWatermark(Ping{Kind: PingStart, RunID: "a", At: epoch.Add(seconds(3)), ExitCode: NoExitCode}, seconds(2)), evaluateAt(minutes(4)),
		}, Up, nil},
		{"it is stored before the end that arrived before it", limited, []action{
			applyPingWithWatermark(Ping{Kind: PingStart, RunID: "a", At: epoch.Add(seconds(3)), ExitCode: NoExitCode}, seconds(2)), pingOfRun(PingSuccess, "a", seconds(2)), evaluateAt(minutes(4)),
		}, Up, nil},
		{"a second time, because its answer was lost", limited, []action{
			pingOfRun(PingStart, "a", 0), pingOfRun(PingSuccess, "a", seconds(10)), pingOfRun(PingStart, "a", seconds(11)), evaluateAt(minutes(4)),
		}, Up, nil},
		{"it does not excuse silence", limited, []action{
			pingOfRun(PingSuccess, "a", 0), pingOfRun(PingStart, "a", minutes(5.5)), evaluateAt(minutes(6)),
		}, Down, []expectedIncident{{Cause: CauseNotStarted, Opened: minutes(6)}}},
		{"the start of another run counts", limited, []action{
			pingOfRun(PingSuccess, "a", 0), pingOfRun(PingStart, "b", seconds(1)), evaluateAt(minutes(4)),
		}, Down, []expectedIncident{{Cause: CauseOverran, Opened: seconds(61)}}},
		{"an id that is used again after more than an hour begins a run", limited, []action{
			pingOfRun(PingSuccess, "a", 0), pauseAt(seconds(1)), resumeAt(minutes(61)), pingOfRun(PingStart, "a", minutes(62)), evaluateAt(minutes(64)),
		}, Down, []expectedIncident{{Cause: CauseOverran, Opened: minutes(63)}}},
	})
}

func TestApplyPing_AStartAfterTheEndOfItsRunIsFlaggedAndChangesNothing(t *testing.T) {
	s := play(t, fiveMinuteRule, pingOfRun(PingSuccess, "a", 0))
	before := s.h
	pingOfRun(PingStart, "a", seconds(1))(s)
	if p := s.pings[1]; p.Flags != StartAfterFinish || p.Kind != PingStart || p.Number != 2 {
		t.Errorf("kept %+v; want a start that is marked", p)
	}
	before.PingCount++
	if diff := cmp.Diff(before, s.h); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
}

func TestApplyPing_RemembersABoundedNumberOfFinishedRuns(t *testing.T) {
	s := play(t, fiveMinuteRule)
	for n := range 3 * maxFinishedRuns {
		pingOfRun(PingSuccess, fmt.Sprint(n), seconds(n))(s)
	}
	if n := len(s.h.FinishedRuns); n != maxFinishedRuns {
		t.Fatalf("remembers %d; want %d", n, maxFinishedRuns)
	}
	pingOfRun(PingStart, fmt.Sprint(2*maxFinishedRuns), seconds(500))(s)
	if s.h.Running() {
		t.Error("one of the newest runs began again")
	}
	pingOfRun(PingSuccess, "later", 2*time.Hour)(s)
	if n := len(s.h.FinishedRuns); n != 1 {
		t.Errorf("after two hours it remembers %d; want only the new one", n)
	}
}

func TestPingFlags_SurviveFormattingAndParsing(t *testing.T) {
	for f := PingFlags(0); f < 1<<len(PingFlagNames); f++ {
		if got := ParsePingFlags(f.String()); got != f {
			t.Errorf("%d is written %q and read %d", f, f, got)
		}
	}
	if got := ParsePingFlags("delayed,of_a_newer_version"); got != Delayed {
		t.Errorf("with an unknown name: %d", got)
	}
}

func TestAssign_ARunCountsForTheSlotThatItStartedFor(t *testing.T) {
	hourly := Rule{Calendar: calendarOf([]int{3600, 7200, 10800}), Grace: 10 * time.Minute, Early: 0, MaxRunTime: 2 * time.Hour, Methods: AnyMethod}
	early := hourly
	early.Early = time.Minute
	twice := hourly
	twice.AlertAfter = 2
	start := func(run string, at int) action { return pingOfRun(PingStart, run, seconds(at)) }
	done := func(run string, at int) action { return pingOfRun(PingSuccess, run, seconds(at)) }
	runScenarios(t, []scenarioCase{
		{"too early by 20 s, and nothing else comes", hourly, []action{
			done("first", 3600), start("a", 7180), done("a", 7204), evaluateAt(seconds(7200 + 601)),
		}, Down, []expectedIncident{{Cause: CauseMissed, Opened: seconds(7800)}}},
		{"too early by 20 s, and the run of the slot comes", hourly, []action{
			done("first", 3600), start("a", 7180), done("a", 7204), start("b", 7201), done("b", 7300), evaluateAt(seconds(7200 + 601)),
		}, Up, nil},
		{"within the early window", early, []action{
			done("first", 3600), start("a", 7180), done("a", 7204), evaluateAt(seconds(7200 + 601)),
		}, Up, nil},
		{"the first run of a new heartbeat", hourly, []action{
			start("a", 3580), done("a", 3604), evaluateAt(seconds(3600 + 601)),
		}, Down, []expectedIncident{{Cause: CauseMissed, Opened: seconds(4200)}}},
		{"a failure that is tolerated leaves the slot open", twice, []action{
			done("first", 3600), start("a", 7180), pingOfRun(PingFail, "a", seconds(7204)), evaluateAt(seconds(7200 + 601)),
		}, Down, []expectedIncident{{Cause: CauseMissed, Opened: seconds(7800)}}},
		{"the start grace of the slot passed during the run", func() Rule { r := hourly; r.StartGrace = 3 * time.Second; return r }(), []action{
			done("first", 3600), start("a", 7180), done("a", 7204), evaluateAt(seconds(7200 + 601)),
		}, Up, nil},
		{"a long run is no silence for the slots that pass within it", hourly, []action{
			start("a", 3601), done("a", 7200+900), evaluateAt(seconds(7200 + 901)),
		}, Up, nil},
		{"without a start, the end decides", hourly, []action{
			done("first", 3600), done("a", 7204), evaluateAt(seconds(7200 + 601)),
		}, Up, nil},
	})
}

func TestAssign_ALateHeartbeatStaysLateWhileItsSlotIsOpen(t *testing.T) {
	hourly := Rule{Calendar: calendarOf([]int{3600, 7200}), Grace: 10 * time.Minute, MaxRunTime: 2 * time.Hour, Methods: AnyMethod}
	s := play(t, hourly, pingAt(PingSuccess, seconds(3600)), pingOfRun(PingStart, "a", seconds(7180)), evaluateAt(seconds(7201)), pingOfRun(PingSuccess, "a", seconds(7204)))
	if s.h.Status != Late || !s.h.Due().Equal(epoch.Add(seconds(7200))) {
		t.Errorf("status %s, due %s; want late, for the slot", s.h.Status, s.h.Due())
	}
	evaluateAt(seconds(7205))(s)
	if diff := cmp.Diff([]time.Duration{seconds(7200)}, s.lateTimes); diff != "" {
		t.Errorf("notified late (-want +got):\n%s", diff)
	}
	if got := s.h.Why(epoch.Add(seconds(7300))); len(got) == 0 {
		t.Error("no explanation")
	}
}

// Each run of a healthy job sends a start and a success. In whatever order they arrive and are
// stored, no incident opens and no run stays active.
func TestApplyPing_NoOrderOfThePingsOfRunsRaisesAFalseAlarm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := modelRule{
			interval: 30, grace: 20, longest: rapid.SampledFrom([]int{0, 15, 25}).Draw(t, "longest"),
			startGrace: rapid.SampledFrom([]int{0, 19}).Draw(t, "startGrace"),
		}
		var events []modelEvent
		runs := rapid.IntRange(1, 5).Draw(t, "runs")
		for n := range runs {
			run, began := fmt.Sprint(n), 30*n
			start, end := rapid.IntRange(0, 14).Draw(t, "start"), rapid.IntRange(0, 14).Draw(t, "end")
			events = append(events, modelEvent{at: began + start, what: "start", run: run}, modelEvent{at: began + end, what: "success", run: run})
		}
		slices.SortStableFunc(events, func(a, b modelEvent) int { return a.at - b.at })
		s := play(t, rule.rule())
		for _, next := range shuffled(t, events) {
			next(s)
		}
		evaluateAt(seconds(30 * runs))(s)
		if len(s.incidents) > 0 || s.h.Running() {
			t.Fatalf("incidents %+v, running %v", s.incidents, s.h.Running())
		}
	})
}
