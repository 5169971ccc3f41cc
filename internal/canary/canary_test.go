package canary

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// fixture is a Canary whose loop the test runs. Nothing evaluates its heartbeat.
type fixture struct {
	*Canary
	t     *testing.T
	pings int
}

// onEachDatabase runs a test in virtual time on each database.
func onEachDatabase(t *testing.T, test func(*fixture)) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		f, zero := &fixture{t: t}, func() float64 { return 0 }
		db := open()
		db.SetNode("node")
		f.Canary = &Canary{DB: db, Interval: DefaultInterval, Metrics: metrics.New(zero, zero), Log: slog.New(slog.DiscardHandler), OnArrive: func() {}, Storing: func(time.Time) error { return nil }}
		f.Ping = func(ctx context.Context, id string) error {
			f.pings++
			now := time.Now().UTC().Truncate(monitor.Precision)
			_, err := db.ApplyPings(ctx, []store.ReceivedPing{{ID: id, Watermark: now, Ping: monitor.Ping{At: now, Kind: monitor.PingSuccess, ExitCode: monitor.NoExitCode, Method: "POST"}}})
			return err
		}
		test(f)
	})
}

// run runs the loop for d.
func (f *fixture) run(d time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		wait, err := f.Run(context.Background(), time.Now())
		if err != nil {
			f.t.Fatal(err)
		}
		time.Sleep(min(wait, time.Until(end)))
	}
}

func TestCanary_ASuspendedProcessIsNoFailure(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.run(8 * time.Second)
		time.Sleep(40 * time.Second) // the process is suspended
		if err := f.Check(time.Now()); err != nil {
			t.Errorf("right after the suspension: %v", err)
		}
		f.run(15 * time.Second)
		if err := f.Check(time.Now()); err != nil || f.pings != 2 {
			t.Errorf("15 s after the suspension: %v, %d pings; want a second round in progress", err, f.pings)
		}
		f.run(10 * time.Second)
		if err := f.Check(time.Now()); err == nil {
			t.Error("a round without a suspension ended without an alert, and nothing is wrong")
		}
	})
}

func TestCanary_IsBusyWhileItsPingWaits(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		ping := f.Ping
		f.Ping = func(ctx context.Context, id string) error {
			time.Sleep(2 * time.Second) // as after a suspension
			if !f.Busy(time.Now()) || f.Busy(time.Now().Add(Bound)) {
				t.Error("a run that began 2 s ago is not busy, or stays busy")
			}
			return ping(ctx, id)
		}
		f.run(8 * time.Second)
		if f.Busy(time.Now()) || f.pings != 1 {
			t.Errorf("busy: %t, %d pings; want neither a run nor a second ping", f.Busy(time.Now()), f.pings)
		}
	})
}

func TestCanary_AMovedDeadlineIsJudgedLater(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.run(8 * time.Second)
		if err := f.Ping(context.Background(), f.id()); err != nil { // moves the deadline, as a blackout does
			t.Fatal(err)
		}
		f.run(19 * time.Second)
		if err := f.Check(time.Now()); err != nil {
			t.Errorf("before the bound of the new deadline: %v", err)
		}
		f.run(3 * time.Second)
		if err := f.Check(time.Now()); err == nil {
			t.Error("after the bound of the new deadline: nothing is wrong")
		}
	})
}

func TestCanary_AnArrivalInTimeIsNoFailureAndOneOfAnEarlierRoundDoesNotCount(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.run(8 * time.Second)
		deadline := f.roundDeadline()
		f.Arrived(deadline.Add(-time.Minute))
		f.run(20 * time.Second)
		if f.Late() == 0 {
			t.Error("the alert of an earlier round ended this one")
		}
		f.Arrived(deadline)
		if late := f.Late(); late != 0 {
			t.Errorf("late %s after the arrival; want 0", late)
		}
	})
}

// id returns the id of the heartbeat.
func (f *fixture) id() (id string) {
	f.t.Helper()
	err := f.DB.View(context.Background(), func(tx *store.Tx) error {
		h, _, err := tx.Canary()
		id = h.ID
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

func TestCanaryStatus_RemembersRoundsThatArrivedAndThatWereLost(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.run(8 * time.Second)
		first := f.roundDeadline()
		if s := f.Status(time.Now()); len(s.Rounds) != 0 || !s.Deadline.Equal(first) || !s.Next.After(time.Now()) || s.Interval != DefaultInterval {
			t.Errorf("in the first round: %+v", s)
		}
		time.Sleep(time.Until(first.Add(300 * time.Millisecond)))
		f.Arrived(first)
		if got := f.Status(time.Now()).Rounds; len(got) != 1 || got[0] != (Round{Deadline: first, Took: 300 * time.Millisecond}) {
			t.Errorf("after the first arrival: %+v", got)
		}
		f.run(DefaultInterval)
		second := f.roundDeadline()
		f.run(time.Until(second.Add(Bound + 2*time.Second)))
		s := f.Status(time.Now())
		if len(s.Rounds) != 2 || s.Rounds[1] != (Round{Deadline: second, Lost: true}) || s.Problem == nil {
			t.Errorf("after an alert that did not arrive: %+v", s)
		}
		f.Arrived(second)
		if s := f.Status(time.Now()); len(s.Rounds) != 2 || s.Rounds[1].Lost || s.Rounds[1].Took < Bound || s.Problem != nil {
			t.Errorf("after the late arrival: %+v", s)
		}
	})
}

func TestCanaryStatus_ForgetsTheOldestRounds(t *testing.T) {
	c := &Canary{}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range maxRounds + 5 {
		c.recordRound(Round{Deadline: start.Add(time.Duration(i) * time.Minute)})
	}
	if len(c.rounds) != maxRounds || !c.rounds[0].Deadline.Equal(start.Add(5*time.Minute)) {
		t.Errorf("%d rounds from %s; want %d without the first 5", len(c.rounds), c.rounds[0].Deadline, maxRounds)
	}
}
