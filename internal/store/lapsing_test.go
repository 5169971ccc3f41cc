package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// lapsing lists the names of those for which something happens by then.
func (w *world) lapsing(tx *store.Tx, d time.Duration, n int) []string {
	w.Helper()
	found, err := tx.Lapsing(w.at(d), n)
	if err != nil {
		w.Error(err)
	}
	var names []string
	for _, h := range found {
		names = append(names, h.Name)
	}
	return names
}

func TestLapsingReturnsTheSoonestFirstUpToTheMomentItself(t *testing.T) {
	onEach(t, func(w *world) {
		for name, d := range map[string]time.Duration{"b": 2 * time.Minute, "c": 3 * time.Minute, "a": time.Minute} {
			w.hear(w.heartbeat(name), w.ping(monitor.Success, d))
		}
		w.heartbeat("new")
		w.update(func(tx *store.Tx) error {
			for _, c := range []struct {
				at   time.Duration
				n    int
				want []string
			}{
				{6*time.Minute - time.Microsecond, 10, nil},
				{6 * time.Minute, 10, []string{"a"}},
				{time.Hour, 10, []string{"a", "b", "c"}},
				{time.Hour, 2, []string{"a", "b"}},
			} {
				if diff := cmp.Diff(c.want, w.lapsing(tx, c.at, c.n)); diff != "" {
					w.Errorf("lapsing at %s (-want +got):\n%s", c.at, diff)
				}
			}
			return nil
		})
	})
}

// Nothing else wakes for a heartbeat that was never pinged.
func TestANewHeartbeatLapsesWhenItsFirstPingIsExpected(t *testing.T) {
	onEach(t, func(w *world) {
		by := w.at(time.Hour)
		w.update(func(tx *store.Tx) error {
			h := w.newHeartbeat("new")
			h.Rule.ExpectFirstBy = by
			_, err := tx.AddHeartbeat(h)
			return err
		})
		if got := seen(w, (*store.Tx).NextLapse); !got.Equal(by) {
			w.Errorf("it lapses at %s; want %s", got, by)
		}
		w.update(func(tx *store.Tx) error {
			if diff := cmp.Diff([]string{"new"}, w.lapsing(tx, time.Hour, 10)); diff != "" {
				w.Error(diff)
			}
			return nil
		})
	})
}

func TestNextLapseIsTheSoonestOfAll(t *testing.T) {
	onEach(t, func(w *world) {
		next := func() time.Time { return seen(w, (*store.Tx).NextLapse) }
		if got := next(); !got.IsZero() {
			w.Errorf("an empty store lapses next at %s; want never", got)
		}
		h := w.heartbeat("backup")
		if got := next(); !got.IsZero() {
			w.Errorf("a new heartbeat lapses next at %s; want never", got)
		}
		w.hear(w.heartbeat("later"), w.ping(monitor.Success, time.Hour))
		w.hear(h, w.ping(monitor.Success, time.Minute))
		if got := next(); !got.Equal(w.at(6 * time.Minute)) {
			w.Errorf("next lapse at %s; want when the first is due", got)
		}
		w.lapse(10 * time.Minute)
		if got := next(); !got.Equal(w.at(time.Hour + 5*time.Minute)) {
			w.Errorf("next lapse at %s; want when the second is due, as the first is down", got)
		}
	})
}

func TestWhatIsDownPausedOrDeletedDoesNotLapse(t *testing.T) {
	onEach(t, func(w *world) {
		down, paused, deleted := w.heartbeat("down"), w.heartbeat("paused"), w.heartbeat("deleted")
		for _, h := range []monitor.Heartbeat{down, paused, deleted} {
			w.hear(h, w.ping(monitor.Success, 0))
		}
		w.hear(down, w.ping(monitor.Fail, time.Minute))
		w.update(func(tx *store.Tx) error {
			paused, change := w.now(paused).Pause(w.at(time.Minute), w.at(time.Minute))
			deleted, gone := w.now(deleted).Delete(w.at(time.Minute), w.at(time.Minute))
			_, err := tx.Save(w.at(time.Minute), []store.Judgement{{Heartbeat: paused, Change: change}, {Heartbeat: deleted, Change: gone}})
			return errors.Join(err, tx.SaveSettings(deleted))
		})
		w.update(func(tx *store.Tx) error {
			if names := w.lapsing(tx, 1000*time.Hour, 10); names != nil {
				w.Errorf("lapsing: %v; want none", names)
			}
			return nil
		})
	})
}

// TestTwoSweepsNeverHaveTheSameHeartbeat holds one sweep's transaction open
// while another looks. PostgreSQL lets it pass over the rows; on SQLite it
// waits, and then sees what the first one did.
func TestTwoSweepsNeverHaveTheSameHeartbeat(t *testing.T) {
	onEachAwake(t, func(w *world) {
		for n := range 6 {
			w.hear(w.heartbeat(fmt.Sprint("job-", n)), w.ping(monitor.Success, time.Duration(n)*time.Second))
		}
		other := w.from(w.open())
		done := make(chan bool)
		var second []string
		w.update(func(tx *store.Tx) error {
			found, err := tx.Lapsing(w.at(time.Hour), 4)
			if err != nil {
				return err
			}
			var judged []store.Judgement
			for _, h := range found {
				h, change := h.Lapse(w.at(time.Hour))
				judged = append(judged, store.Judgement{Heartbeat: h, Change: change})
			}
			go other.beside(done, func(tx *store.Tx) error {
				second = other.lapsing(tx, time.Hour, 10)
				return nil
			})
			if !store.OnSQLite(w.db) {
				<-done // it must not wait for us
			}
			_, err = tx.Save(w.at(time.Hour), judged)
			return err
		})
		<-done
		if diff := cmp.Diff([]string{"job-4", "job-5"}, second); diff != "" {
			w.Errorf("the second sweep had (-want +got):\n%s", diff)
		}
	})
}

func TestPingedLocksWhatItReturns(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, w.ping(monitor.Success, 0))
		other := w.from(w.open())
		if store.OnSQLite(w.db) {
			return // there the whole file is locked
		}
		w.update(func(tx *store.Tx) error {
			for name, lock := range map[string]func() error{
				"Pinged":            func() error { _, err := tx.Pinged([]string{h.ID}); return err },
				"HeartbeatToChange": func() error { _, err := tx.HeartbeatToChange(h.Project, h.ID); return err },
				"HeartbeatBySlug":   func() error { _, _, err := tx.HeartbeatBySlug(h.Project, h.Slug); return err },
			} {
				if err := lock(); err != nil {
					return err
				}
				other.update(func(tx *store.Tx) error {
					if names := other.lapsing(tx, time.Hour, 10); names != nil {
						w.Errorf("after %s another node has %v; want it locked", name, names)
					}
					return nil
				})
			}
			return nil
		})
	})
}

// TestNodesThatHearTheSameHeartbeatsLoseNoPing lets two nodes keep batches of
// the same heartbeats at once, in opposite orders.
func TestNodesThatHearTheSameHeartbeatsLoseNoPing(t *testing.T) {
	onEach(t, func(w *world) {
		var ids []string
		for n := range 5 {
			ids = append(ids, w.heartbeat(fmt.Sprint("job-", n)).ID)
		}
		other := w.from(w.open())
		const rounds = 20
		var both sync.WaitGroup
		for node, w := range []*world{w, other} {
			both.Go(func() {
				asked := slices.Clone(ids)
				if node == 1 {
					slices.Reverse(asked)
				}
				for range rounds {
					if err := failAndRecover(w, asked); err != nil {
						w.Error(err)
					}
				}
			})
		}
		both.Wait()
		for _, id := range ids {
			h := seen(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.Heartbeat(w.project.Key, id) })
			if n := len(w.history(h, 0, 1000)); h.Pings != 4*rounds || n != 4*rounds {
				w.Errorf("%d pings are counted and %d kept; want %d", h.Pings, n, 4*rounds)
			}
			if h.Status != monitor.Up || h.Incident != "" {
				w.Errorf("it is %s with incident %q; want it up", h.Status, h.Incident)
			}
		}
		for n, i := range w.incidents(w.project.Key) {
			if i.Number != int64(n+1) || i.State() != monitor.Resolved {
				w.Errorf("incident %d is numbered %d and %s; want no gap, and all resolved", n+1, i.Number, i.State())
			}
		}
		if n := len(w.incidents(w.project.Key)); n != 2*rounds*len(ids) {
			w.Errorf("%d incidents; want one per failure", n)
		}
	})
}

// failAndRecover keeps a failure and a success of each heartbeat in a batch.
func failAndRecover(w *world, ids []string) error {
	return w.db.Update(context.Background(), func(tx *store.Tx) error {
		found, err := tx.Pinged(ids)
		if err != nil {
			return err
		}
		var judged []store.Judgement
		for _, id := range ids {
			h, change := found[id].Hear(w.ping(monitor.Fail, time.Minute), w.at(time.Minute))
			judged = append(judged, store.Judgement{Heartbeat: h, Change: change})
			h, change = h.Hear(w.ping(monitor.Success, time.Minute), w.at(time.Minute))
			judged = append(judged, store.Judgement{Heartbeat: h, Change: change})
		}
		_, err = tx.Save(w.at(time.Minute), judged)
		return err
	})
}

func TestPingedFindsTheLivingOfAnyProjectByID(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		gone := w.heartbeat("gone")
		gone.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveSettings(gone) })
		w.project = w.addProject("other")
		other := w.heartbeat("backup")
		found := made(w, func(tx *store.Tx) (map[string]monitor.Heartbeat, error) {
			return tx.Pinged([]string{h.ID, other.ID, gone.ID, h.Ref, h.ID, `"%'],`})
		})
		if diff := cmp.Diff(map[string]monitor.Heartbeat{h.ID: w.now(h), other.ID: w.now(other)}, found); diff != "" {
			w.Errorf("found (-want +got):\n%s", diff)
		}
		if none := made(w, func(tx *store.Tx) (map[string]monitor.Heartbeat, error) { return tx.Pinged(nil) }); len(none) != 0 {
			w.Errorf("no ids found %d heartbeats", len(none))
		}
	})
}
