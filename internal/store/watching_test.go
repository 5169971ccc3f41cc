package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// record records that pings can be stored d after the start.
func (w *fixture) record(d time.Duration, e store.Evidence) store.Recorded {
	w.Helper()
	r, err := w.db.RecordWatching(context.Background(), w.at(d), e, func(*store.Tx) error { return nil })
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func TestRecordWatching_AGapOfMoreThanThreeSecondsIsABlackout(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for n, c := range []struct {
			at, blackout time.Duration
		}{{0, 0}, {time.Second, 0}, {4 * time.Second, 0}, {8 * time.Second, 4 * time.Second}, {9 * time.Second, 0}, {70 * time.Second, 61 * time.Second}} {
			r := w.record(c.at, store.Evidence{})
			var length time.Duration
			if r.Blackout != nil {
				length = r.Blackout.Length()
			}
			if length != c.blackout || r.NoticesDue != (length > time.Minute) {
				w.Errorf("record %d: a blackout of %s, notices %v; want %s", n, length, r.NoticesDue, c.blackout)
			}
		}
		list := view(w, func(tx *store.Tx) ([]monitor.Blackout, error) { return tx.Blackouts(0, 10) })
		if len(list) != 2 || list[0].Key != 2 || !list[0].From.Equal(w.at(9*time.Second)) {
			w.Errorf("blackouts %+v; want two, the newest first", list)
		}
	})
}

func TestRecordWatching_NamesTheCause(t *testing.T) {
	started, stopped := time.Hour, ""
	for name, c := range map[string]struct {
		evidence store.Evidence
		stopped  *string // version of the node that stopped
		want     monitor.BlackoutCause
	}{
		"crash":    {store.Evidence{Version: "2"}, nil, monitor.BlackoutCrash},
		"stop":     {store.Evidence{Version: "2"}, new("2"), monitor.BlackoutStop},
		"unnamed":  {store.Evidence{}, &stopped, monitor.BlackoutStop},
		"upgrade":  {store.Evidence{Version: "2"}, new("1"), monitor.BlackoutUpgrade},
		"database": {store.Evidence{Failure: fmt.Errorf("commit: %w", store.ErrUnavailable)}, nil, monitor.BlackoutDatabase},
		"disk":     {store.Evidence{Failure: fmt.Errorf("commit: %w", store.ErrDisk)}, nil, monitor.BlackoutDisk},
		"clock":    {store.Evidence{ClockJump: time.Hour}, nil, monitor.BlackoutClock},
		"suspend":  {store.Evidence{}, nil, monitor.BlackoutSuspend},
	} {
		t.Run(name, func(t *testing.T) {
			onEachDatabase(t, func(w *fixture) {
				w.record(0, store.Evidence{Version: "1"})
				switch {
				case c.stopped != nil:
					c.evidence.Started = w.at(started)
					w.update(func(tx *store.Tx) error { return tx.StopWatching(w.at(0), *c.stopped) })
				case c.want == monitor.BlackoutCrash:
					c.evidence.Started = w.at(started)
				}
				if r := w.record(started, c.evidence); r.Blackout == nil || r.Blackout.Cause != c.want {
					w.Errorf("%+v; want the cause %s", r.Blackout, c.want)
				} else if c.want == monitor.BlackoutCrash && !strings.Contains(r.Blackout.Detail, "a backup was restored") {
					w.Errorf("%q; want a detail that is also true after a restore", r.Blackout.Detail)
				}
				if r := w.record(2*started, store.Evidence{Version: "2", Started: w.at(started)}); r.Blackout == nil || r.Blackout.Cause != monitor.BlackoutSuspend {
					w.Errorf("the next: %+v; want a suspension, because the node started before", r.Blackout)
				}
			})
		})
	}
}

func TestRecordWatching_OneOfTwoNodesRecordsABlackout(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		other := w.onNode(w.open())
		w.record(0, store.Evidence{})
		first, second := w.record(time.Minute, store.Evidence{}), other.record(time.Minute, store.Evidence{})
		if first.Blackout == nil || second.Blackout != nil {
			w.Errorf("%v and %v; want one blackout", first.Blackout, second.Blackout)
		}
		if r := other.record(62*time.Second, store.Evidence{}); r.Blackout != nil {
			w.Errorf("a blackout after two seconds: %v", r.Blackout)
		}
	})
}

func TestRecordWatching_FailsIfTheOtherChangeDoesAndRecordsNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.record(0, store.Evidence{})
		wrong := errors.New("wrong")
		if _, err := w.db.RecordWatching(context.Background(), w.at(2*time.Second), store.Evidence{}, func(*store.Tx) error { return wrong }); !errors.Is(err, wrong) {
			w.Errorf("%v; want the error", err)
		}
		if r := w.record(4*time.Second, store.Evidence{}); r.Blackout == nil || r.Blackout.Length() != 4*time.Second {
			w.Errorf("%v; want a blackout of 4 s, from the last record", r.Blackout)
		}
	})
}

// On PostgreSQL, the clock of the database decides, which was not set back here.
func TestRecordWatching_AClockThatWasSetBackShiftsEveryWait(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		shift := time.Hour
		if w.db.IsShared() {
			shift = 0
		}
		h := w.newSavedHeartbeat("backup")
		w.record(2*time.Hour, store.Evidence{})
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Hour))
		before := w.reload(h)
		r := w.record(time.Hour, store.Evidence{})
		after := w.reload(h)
		if recorded := r.Blackout != nil && r.Blackout.Length() == 0 && r.Blackout.Cause == monitor.BlackoutClock; recorded != (shift > 0) {
			w.Errorf("recorded %+v; want that the clock was set back: %v", r.Blackout, shift > 0)
		}
		if moved := before.Deadline().Sub(after.Deadline()); moved != shift || before.LastPing.Sub(after.LastPing) != shift {
			w.Errorf("the deadline moved by %s; want %s back", moved, shift)
		}
		if r := w.record(time.Hour+time.Second, store.Evidence{}); r.Blackout != nil {
			w.Errorf("a blackout after it: %+v", r.Blackout)
		}
	})
}

// A clock that was ahead and is right again must not leave a blackout in the future: no
// run until its end would be missed.
func TestRecordWatching_AClockThatWasSetForwardAndBackHidesNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if w.db.IsShared() {
			return // the clock of the database was not set
		}
		w.record(0, store.Evidence{})
		w.record(365*24*time.Hour, store.Evidence{ClockJump: 365 * 24 * time.Hour})
		w.record(time.Second, store.Evidence{})
		w.record(2*time.Second, store.Evidence{})
		list := view(w, func(tx *store.Tx) ([]monitor.Blackout, error) { return tx.Blackouts(0, 10) })
		for _, b := range list {
			if b.To.After(w.at(time.Second)) {
				w.Errorf("blackout %d from %s to %s ends after the time when it was recorded", b.Key, b.From, b.To)
			}
		}
		now := w.at(3 * time.Second)
		w.update(func(tx *store.Tx) error {
			peers, err := tx.Peers(now)
			if got := peers.Watermark("x", now); !got.Equal(now) {
				w.Errorf("evaluations are possible until %s; want %s", got, now)
			}
			return err
		})
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Second))
		if got := w.reload(h); len(got.PendingBlackouts) > 0 {
			w.Errorf("%d blackouts apply to a wait after all of them: %+v", len(got.PendingBlackouts), got.PendingBlackouts)
		}
		w.evaluate(10 * time.Minute)
		if got := w.reload(h); got.Status != monitor.Down {
			w.Errorf("a job that does not ping any more is %s; want down", got.Status)
		}
	})
}

func TestEnqueueNotices_OneForEachChannelOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		w.addChannel(w.newChannel("mail"))
		other := w.onNode(w.open())
		enqueue := func(f *fixture, d time.Duration) (n int) {
			f.update(func(tx *store.Tx) (err error) {
				n, err = tx.EnqueueNotices(f.at(d))
				return err
			})
			return n
		}
		w.record(0, store.Evidence{})
		w.record(30*time.Second, store.Evidence{}) // too short for a notice
		w.record(2*time.Minute, store.Evidence{})
		if n := enqueue(w, 2*time.Minute+time.Second); n != 0 {
			w.Errorf("%d alerts while requests that waited are read; want none", n)
		}
		if a, b := enqueue(w, 2*time.Minute+3*time.Second), enqueue(other, 2*time.Minute+3*time.Second); a != 2 || b != 0 {
			w.Errorf("%d and %d alerts; want two on one node", a, b)
		}
	})
}

func TestCleanup_DeletesBlackoutsAndTheirEffectsByAge(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.record(0, store.Evidence{})
		w.record(time.Hour, store.Evidence{})
		w.update(func(tx *store.Tx) error {
			effect := monitor.BlackoutEffect{Blackout: 1, Kind: monitor.BlackoutUnknown, Due: w.at(0), Next: w.at(day)}
			_, err := tx.Save(w.at(0), []store.Transition{{Heartbeat: h, Change: monitor.Change{BlackoutEffects: []monitor.BlackoutEffect{effect}}}})
			return err
		})
		if got := view(w, func(tx *store.Tx) ([]store.AffectedHeartbeat, error) {
			return tx.AffectedHeartbeats(1, w.project.Key, 10)
		}); len(got) != 1 || got[0].Name != h.Name {
			w.Errorf("affected %+v; want the heartbeat", got)
		}
		if deleted := w.cleanUp(400 * day); len(deleted) > 0 {
			w.Errorf("deleted %v before it is 400 days old", deleted)
		}
		if deleted := w.cleanUp(401 * day); deleted["blackouts"] != 1 || deleted["blackout_effects"] != 1 {
			w.Errorf("deleted %v; want the blackout and its effect", deleted)
		}
	})
}

// The clock is set forward by an hour, which is a blackout, and back again.
func TestRecordWatching_AfterAClockThatWasWrongForAWhileOlderWaitsAreAsBefore(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		old, fresh := w.newSavedHeartbeat("old"), w.newSavedHeartbeat("fresh")
		w.applyPings(old, w.ping(monitor.PingSuccess, 0))
		w.record(10*time.Hour, store.Evidence{})
		w.record(11*time.Hour, store.Evidence{})
		w.applyPings(fresh, w.ping(monitor.PingSuccess, 11*time.Hour+time.Minute))
		if err := w.db.SetClockBack(context.Background(), time.Hour, store.Evidence{}); err != nil {
			w.Fatal(err)
		}
		if at := w.reload(old).LastPing; !at.Equal(w.at(0)) {
			w.Errorf("the ping before the clock was wrong is at %s; want unchanged", at.Sub(w.start))
		}
		if at := w.reload(fresh).LastPing; !at.Equal(w.at(10*time.Hour + time.Minute)) {
			w.Errorf("the ping after it is at %s; want an hour earlier", at.Sub(w.start))
		}
	})
}

// TestEvaluateTouched_ReachesEveryHeartbeat: a statement changes the heartbeats of a few keys.
func TestEvaluateTouched_ReachesEveryHeartbeat(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		var list []monitor.Heartbeat
		for n := range 5 {
			h := w.newSavedHeartbeat(fmt.Sprint("job ", n))
			w.applyPings(h, w.ping(monitor.PingStart, time.Minute)) // a run is in progress
			list = append(list, h)
		}
		for _, keys := range []int64{1, 2, 1000} {
			end := w.at(2*time.Minute - time.Duration(keys)*time.Millisecond)
			w.update(func(tx *store.Tx) error { return store.EvaluateTouched(tx, end, keys) })
			due := updateValue(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.DueForEvaluation(end, 10) })
			if len(due) != len(list) {
				w.Errorf("%d keys per statement: %d heartbeats are due; want %d", keys, len(due), len(list))
			}
		}
	})
}
