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
func TestHear_AStartThatArrivesAfterTheEndOfItsRunBeginsNothing(t *testing.T) {
	limited := nightly
	limited.MaxRunTime, limited.MinRunTime, limited.StartGrace = time.Minute, time.Second, time.Minute
	run(t, []outcome{
		{"after a success", limited, []step{
			hearRun(Success, "a", 0), hearRun(Start, "a", seconds(1)), sweep(minutes(4)),
		}, Up, nil},
		{"after a failure that is tolerated", Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute, MaxRunTime: time.Minute, AlertAfter: 2, Methods: AnyMethod}, []step{
			hearRun(Fail, "a", 0), hearRun(Start, "a", seconds(1)), sweep(minutes(4)),
		}, Up, nil},
		{"it arrived before, and is stored after", limited, []step{
			hearRun(Success, "a", seconds(2)), hearWhile(Ping{Kind: Start, RunID: "a", At: epoch.Add(seconds(3)), ExitCode: NoExitCode}, seconds(2)), sweep(minutes(4)),
		}, Up, nil},
		{"it is stored before the end that arrived before it", limited, []step{
			hearWhile(Ping{Kind: Start, RunID: "a", At: epoch.Add(seconds(3)), ExitCode: NoExitCode}, seconds(2)), hearRun(Success, "a", seconds(2)), sweep(minutes(4)),
		}, Up, nil},
		{"a second time, because its answer was lost", limited, []step{
			hearRun(Start, "a", 0), hearRun(Success, "a", seconds(10)), hearRun(Start, "a", seconds(11)), sweep(minutes(4)),
		}, Up, nil},
		{"it does not excuse silence", limited, []step{
			hearRun(Success, "a", 0), hearRun(Start, "a", minutes(5.5)), sweep(minutes(6)),
		}, Down, []episode{{Cause: NotStarted, Opened: minutes(6)}}},
		{"the start of another run counts", limited, []step{
			hearRun(Success, "a", 0), hearRun(Start, "b", seconds(1)), sweep(minutes(4)),
		}, Down, []episode{{Cause: Overran, Opened: seconds(61)}}},
		{"an id that is used again after more than an hour begins a run", limited, []step{
			hearRun(Success, "a", 0), pause(seconds(1)), resume(minutes(61)), hearRun(Start, "a", minutes(62)), sweep(minutes(64)),
		}, Down, []episode{{Cause: Overran, Opened: minutes(63)}}},
	})
}

func TestHear_ALateStartIsMarkedAndChangesNothing(t *testing.T) {
	s := tell(t, nightly, hearRun(Success, "a", 0))
	before := s.h
	hearRun(Start, "a", seconds(1))(s)
	if p := s.kept[1]; p.Flags != RunFinished || p.Kind != Start || p.N != 2 {
		t.Errorf("kept %+v; want a start that is marked", p)
	}
	before.Pings++
	if diff := cmp.Diff(before, s.h); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
}

func TestHear_RemembersABoundedNumberOfFinishedRuns(t *testing.T) {
	s := tell(t, nightly)
	for n := range 3 * maxFinishedRuns {
		hearRun(Success, fmt.Sprint(n), seconds(n))(s)
	}
	if n := len(s.h.Finished); n != maxFinishedRuns {
		t.Fatalf("remembers %d; want %d", n, maxFinishedRuns)
	}
	hearRun(Start, fmt.Sprint(2*maxFinishedRuns), seconds(500))(s)
	if s.h.Running() {
		t.Error("one of the newest runs began again")
	}
	hearRun(Success, "later", 2*time.Hour)(s)
	if n := len(s.h.Finished); n != 1 {
		t.Errorf("after two hours it remembers %d; want only the new one", n)
	}
}

func TestPingFlags_AreReadAsTheyWereWritten(t *testing.T) {
	for f := PingFlags(0); f < 1<<len(PingFlagNames); f++ {
		if got := ParsePingFlags(f.String()); got != f {
			t.Errorf("%d is written %q and read %d", f, f, got)
		}
	}
	if got := ParsePingFlags("delayed,of_a_newer_version"); got != Delayed {
		t.Errorf("with an unknown name: %d", got)
	}
}

func TestReckon_ARunCountsForTheSlotThatItBeganFor(t *testing.T) {
	hourly := Rule{Calendar: listed([]int{3600, 7200, 10800}), Grace: 10 * time.Minute, Early: 0, MaxRunTime: 2 * time.Hour, Methods: AnyMethod}
	early := hourly
	early.Early = time.Minute
	twice := hourly
	twice.AlertAfter = 2
	start := func(run string, at int) step { return hearRun(Start, run, seconds(at)) }
	done := func(run string, at int) step { return hearRun(Success, run, seconds(at)) }
	run(t, []outcome{
		{"too early by 20 s, and nothing else comes", hourly, []step{
			done("first", 3600), start("a", 7180), done("a", 7204), sweep(seconds(7200 + 601)),
		}, Down, []episode{{Cause: Missed, Opened: seconds(7800)}}},
		{"too early by 20 s, and the run of the slot comes", hourly, []step{
			done("first", 3600), start("a", 7180), done("a", 7204), start("b", 7201), done("b", 7300), sweep(seconds(7200 + 601)),
		}, Up, nil},
		{"within the early window", early, []step{
			done("first", 3600), start("a", 7180), done("a", 7204), sweep(seconds(7200 + 601)),
		}, Up, nil},
		{"the first run of a new heartbeat", hourly, []step{
			start("a", 3580), done("a", 3604), sweep(seconds(3600 + 601)),
		}, Down, []episode{{Cause: Missed, Opened: seconds(4200)}}},
		{"a failure that is tolerated leaves the slot open", twice, []step{
			done("first", 3600), start("a", 7180), hearRun(Fail, "a", seconds(7204)), sweep(seconds(7200 + 601)),
		}, Down, []episode{{Cause: Missed, Opened: seconds(7800)}}},
		{"the start grace of the slot passed during the run", func() Rule { r := hourly; r.StartGrace = 3 * time.Second; return r }(), []step{
			done("first", 3600), start("a", 7180), done("a", 7204), sweep(seconds(7200 + 601)),
		}, Up, nil},
		{"a long run is no silence for the slots that pass within it", hourly, []step{
			start("a", 3601), done("a", 7200+900), sweep(seconds(7200 + 901)),
		}, Up, nil},
		{"without a start, the end decides", hourly, []step{
			done("first", 3600), done("a", 7204), sweep(seconds(7200 + 601)),
		}, Up, nil},
	})
}

func TestReckon_ALateHeartbeatStaysLateWhileItsSlotIsOpen(t *testing.T) {
	hourly := Rule{Calendar: listed([]int{3600, 7200}), Grace: 10 * time.Minute, MaxRunTime: 2 * time.Hour, Methods: AnyMethod}
	s := tell(t, hourly, hear(Success, seconds(3600)), hearRun(Start, "a", seconds(7180)), sweep(seconds(7201)), hearRun(Success, "a", seconds(7204)))
	if s.h.Status != Late || !s.h.Due().Equal(epoch.Add(seconds(7200))) {
		t.Errorf("status %s, due %s; want late, for the slot", s.h.Status, s.h.Due())
	}
	sweep(seconds(7205))(s)
	if diff := cmp.Diff([]time.Duration{seconds(7200)}, s.lates); diff != "" {
		t.Errorf("notified late (-want +got):\n%s", diff)
	}
	if got := s.h.Why(epoch.Add(seconds(7300))); len(got) == 0 {
		t.Error("no explanation")
	}
}

// Each run of a healthy job sends a start and a success. Whatever order they
// arrive in, and in whatever order they are stored, there is no alarm, and no run
// is left in progress.
func TestHear_NoOrderOfThePingsOfRunsRaisesAFalseAlarm(t *testing.T) {
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
		s := tell(t, rule.rule())
		for _, next := range stored(t, events) {
			next(s)
		}
		sweep(seconds(30 * runs))(s)
		if len(s.episodes) > 0 || s.h.Running() {
			t.Fatalf("incidents %+v, running %v", s.episodes, s.h.Running())
		}
	})
}
