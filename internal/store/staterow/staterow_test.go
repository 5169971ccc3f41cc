package staterow

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
)

// heartbeats are heartbeats in which different fields are set.
func heartbeats() []monitor.Heartbeat {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123_000, time.UTC)
	return []monitor.Heartbeat{
		{Status: monitor.New},
		{Status: monitor.Up, PingCount: 1, CountedFrom: at, LastPing: at, StaleBefore: at, History: monitor.RunHistory{DecidedUntil: at}},
		{
			Status: monitor.Down, PingCount: 1 << 40, CountedFrom: at, EarlySlot: at.Add(time.Hour), FailedRuns: 3, Tolerated: monitor.ToleratedRuns{LastSlot: at, Count: 2},
			StaleBefore: at, LastPing: at, LastStart: at.Add(time.Microsecond), LastRunTime: time.Second, HasRunTime: true, LastHost: "web1",
			Hosts:        []monitor.HostState{{Name: "Größe 1", At: at, Success: at}, {Name: "web1", At: at.Add(time.Second)}},
			ActiveRuns:   []monitor.ActiveRun{{ID: "a", StartedAt: at}},
			FinishedRuns: []monitor.FinishedRunID{{Hash: 1 << 63, EndedAt: at}},
			OpenIncident: "incident", DownCause: monitor.CauseMissed,
			History: monitor.RunHistory{DecidedUntil: at, Latest: monitor.Span{Outcome: "missed", First: at, Last: at.Add(time.Hour), Count: 2, LateBy: time.Minute, LastPing: at}},
			Blackout: monitor.BlackoutState{
				Applied: 4, Credit: time.Minute, Unwatched: time.Second, RestartedAfter: monitor.Blackout{Key: 4, From: at, To: at.Add(time.Minute)},
			},
			Maintenance: &monitor.MaintenanceState{
				Windows: []monitor.Window{{From: at, To: at.Add(time.Hour), Reason: "upgrade"}, {From: at.Add(2 * time.Hour), To: at.Add(3 * time.Hour)}},
				Applied: at, Credit: time.Second, Excused: time.Minute, Restarted: monitor.Window{From: at, To: at.Add(time.Hour), Reason: "old"},
				Failure: monitor.HeldFailure{At: at, Cause: monitor.CauseFailure, PingNumber: 3, Reason: "It failed."},
			},
			Rule: monitor.Rule{Interval: time.Minute},
		},
	}
}

func TestUnpack_ReturnsEveryColumnThatPackGot(t *testing.T) {
	for _, h := range heartbeats() {
		row := Of(&h)
		got, err := Unpack(row.Pack())
		if diff := cmp.Diff(row, got); diff != "" || err != nil {
			t.Errorf("%v (-packed +unpacked):\n%s", err, diff)
		}
		after := monitor.Heartbeat{Rule: h.Rule, Status: monitor.Late, OpenIncident: "other", FailedRuns: 9}
		if err := got.Apply(&after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h, after); diff != "" {
			t.Errorf("after Apply (-want +got):\n%s", diff)
		}
		if args := got.Args(7); len(args) != 17 || args[0] != int64(7) {
			t.Errorf("%d arguments, %v first; want 17 and the key", len(args), args[0])
		}
	}
}

func TestUnpack_NeverAcceptsAPartOfAState(t *testing.T) {
	row := Of(&heartbeats()[2])
	whole := row.Pack()
	for n := range whole {
		if _, err := Unpack(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes are accepted", n, len(whole))
		}
	}
}

func TestPack_IsSmall(t *testing.T) {
	row := Of(&heartbeats()[1])
	if n := len(row.Pack()); n > 80 {
		t.Errorf("%d bytes for a heartbeat that is up; want at most 80", n)
	}
}
