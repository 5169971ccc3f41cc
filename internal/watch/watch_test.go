package watch

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"overdue/internal/loop"
	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// fixture is a Watcher on a project with one heartbeat: an interval of five minutes
// and a grace period of two.
type fixture struct {
	*Watcher
	t       *testing.T
	db      *store.DB
	project int64
	held    time.Time // until when the heartbeat can be evaluated; zero: no ping in flight
	pending int       // number of signals
	changed []int64
}

// onEachDatabase runs a test in virtual time on each database.
func onEachDatabase(t *testing.T, test func(*fixture)) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		f := &fixture{t: t, db: open()}
		f.db.SetNode("node")
		zero := func() float64 { return 0 }
		f.Watcher = &Watcher{
			DB: f.db, Metrics: metrics.New(zero, zero), Snapshot: f.snapshot, Log: slog.New(slog.DiscardHandler),
			Signals: loop.Signals{Pending: func() { f.pending++ }, Changed: func(keys []int64) { f.changed = append(f.changed, keys...) }},
		}
		err := f.db.Update(context.Background(), func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
			if err != nil {
				return err
			}
			f.project = p.Key
			_, err = tx.AddChannel(monitor.Channel{Project: p.Key, Kind: "webhook", Name: "ops", Settings: map[string]any{}, Created: time.Now()})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		f.addHeartbeat()
		test(f)
	})
}

// snapshot returns a snapshot in which the heartbeat may have a ping in flight.
func (f *fixture) snapshot() Snapshot {
	now := time.Now().UTC().Truncate(monitor.Precision)
	until := now.Add(-monitor.Precision)
	return Snapshot{Now: now, Watermark: store.Watermark{All: until, Default: until}, EvaluableUntil: func(string) time.Time {
		if f.held.IsZero() {
			return until
		}
		return f.held
	}}
}

// addHeartbeat adds the heartbeat, with a ping at the current time.
func (f *fixture) addHeartbeat() {
	f.t.Helper()
	const id = "123e4567-e89b-42d3-a456-426614174000"
	now := time.Now().UTC().Truncate(monitor.Precision)
	err := f.db.Update(context.Background(), func(tx *store.Tx) error {
		_, err := tx.AddHeartbeat(monitor.Heartbeat{
			ID: id, Ref: "ref", Project: f.project, Name: "backup", Slug: "backup", AllChannels: true, Status: monitor.New, Created: now, Updated: now,
			Rule: monitor.Rule{Interval: 5 * time.Minute, Grace: 2 * time.Minute, Methods: monitor.AnyMethod},
		})
		return err
	})
	if err == nil {
		_, err = f.db.ApplyPings(context.Background(), []store.ReceivedPing{
			{ID: id, Ping: monitor.Ping{At: now, Kind: monitor.PingSuccess, ExitCode: monitor.NoExitCode, Method: "POST"}, Watermark: now},
		})
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// sweep runs one sweep and returns the wait.
func (f *fixture) sweep() time.Duration {
	f.t.Helper()
	wait, err := f.Sweep(context.Background(), time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	return wait
}

// openIncidents returns the number of open incidents.
func (f *fixture) openIncidents() (n int64) {
	f.t.Helper()
	err := f.db.View(context.Background(), func(tx *store.Tx) (err error) {
		n, err = tx.CountOpenIncidents()
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestSweep_OpensAnIncidentAfterTheDeadlineAndSendsSignals(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		time.Sleep(7*time.Minute - time.Second)
		f.sweep()
		if n := f.openIncidents(); n != 0 || f.pending != 0 {
			t.Fatalf("a second before the deadline: %d incidents, %d signals; want none", n, f.pending)
		}
		time.Sleep(time.Second + 10*time.Millisecond)
		f.sweep()
		if n := f.openIncidents(); n != 1 || f.pending != 1 || len(f.changed) == 0 {
			t.Errorf("after the deadline: %d incidents, %d signals, changed %v; want one of each", n, f.pending, f.changed)
		}
		f.sweep()
		if n := f.openIncidents(); n != 1 || f.pending != 1 {
			t.Errorf("after another sweep: %d incidents, %d signals; want still one", n, f.pending)
		}
	})
}

func TestSweep_APingInFlightHoldsTheEvaluationBack(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.held = time.Now().Add(time.Minute)
		time.Sleep(8 * time.Minute)
		if wait := f.sweep(); wait != heldWait {
			t.Errorf("wait %s while a ping is in flight; want %s", wait, heldWait)
		}
		if n := f.openIncidents(); n != 0 {
			t.Errorf("%d incidents while a ping is in flight; want none", n)
		}
		f.held = time.Time{}
		f.sweep()
		if n := f.openIncidents(); n != 1 {
			t.Errorf("%d incidents after the ping ended; want one", n)
		}
	})
}

func TestSweep_WaitsUntilTheNextDeadlineButNotLongerThanTheMaximum(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		if wait := f.sweep(); wait != maxWaitAlone {
			t.Errorf("wait %s long before the next deadline; want %s", wait, maxWaitAlone)
		}
		time.Sleep(5*time.Minute - time.Second)
		if wait := f.sweep(); wait <= 0 || wait > time.Second+10*time.Millisecond {
			t.Errorf("wait %s a second before the due time; want about a second", wait)
		}
	})
}

func TestPublish_ShowsThatTheNodeRunsUntilItLeaves(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		if wait, err := f.Publish(context.Background(), time.Now()); err != nil || wait != time.Second {
			t.Fatalf("wait %s, %v; want %s", wait, err, time.Second)
		}
		if err := f.Leave(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSweep_AStoredTimeThatIsTooEarlyHidesNoDeadline: pings in the first half of a wait
// can leave the stored time of the next evaluation as it is.
func TestSweep_AStoredTimeThatIsTooEarlyHidesNoDeadline(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		start := time.Now()
		for range 2 {
			time.Sleep(time.Minute)
			now := time.Now().UTC().Truncate(monitor.Precision)
			_, err := f.db.ApplyQuietPings(context.Background(), []store.ReceivedPing{{
				ID: "123e4567-e89b-42d3-a456-426614174000", Watermark: now,
				Ping: monitor.Ping{At: now, Kind: monitor.PingSuccess, ExitCode: monitor.NoExitCode, Method: "POST"},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3*time.Minute + time.Second) // past the time that the first ping stored
		wait := f.sweep()
		if len(f.changed) > 0 || wait < time.Second {
			t.Errorf("changed %v, then waits %s; want no change, and to wait for the right time", f.changed, wait)
		}
		for wait := f.sweep(); f.openIncidents() == 0 && time.Since(start) < 10*time.Minute; wait = f.sweep() {
			time.Sleep(wait)
		}
		if took := time.Since(start).Round(time.Second); took != 9*time.Minute {
			t.Errorf("the incident opened after %s; want 9m: the last ping, the interval and the grace period", took)
		}
	})
}
