package ingest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/store"
)

// withStallingDisk runs a test on a watched SQLite file whose disk the test can stall.
func withStallingDisk(t *testing.T, test func(d *fixture, stall func() (release func()))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.OpenToServe(context.Background(), filepath.Join(t.TempDir(), "overdue.db"), store.ServeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		db.WatchAvailability(func(error) {})
		d := newFixture(t, db)
		test(d, func() func() {
			hanging, ended, held := make(chan struct{}), make(chan struct{}), make(chan struct{})
			go func() {
				defer close(ended)
				_ = db.UpdateAll(context.Background(), func(*store.Tx) error { close(held); <-hanging; return nil }) // its caller stops waiting
			}()
			<-held
			return func() {
				close(hanging)
				<-ended
			}
		})
	})
}

func TestServeHTTP_WhileTheDatabaseDoesNotAnswerPingsAreAnswered503AtOnce(t *testing.T) {
	withStallingDisk(t, func(d *fixture, stall func() func()) {
		release := stall()
		begun := time.Now()
		if answer := d.send("POST", "", nil); answer.Code != 503 || answer.Header().Get("Retry-After") == "" || time.Since(begun) > 4*time.Second {
			d.t.Errorf("the first ping: answered %d after %s; want 503 within 4s, with Retry-After", answer.Code, time.Since(begun))
		}
		begun = time.Now()
		for range 100 {
			if answer := d.send("POST", "", strings.NewReader("body")); answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
				d.t.Fatalf("a later ping: answered %d; want 503 with Retry-After", answer.Code)
			}
		}
		if took := time.Since(begun); took > 0 {
			d.t.Errorf("100 later pings took %s; want answers at once", took)
		}
		release()
		time.Sleep(time.Second)
		if answer := d.send("POST", "", nil); answer.Code != 200 {
			d.t.Errorf("a second after the database continued: answered %d %s; want 200", answer.Code, answer.Body)
		}
		if n := d.handler.InFlight.Count(); n != 0 {
			d.t.Errorf("%d pings are still registered as in flight", n)
		}
	})
}

// TestServeHTTP_APingWhoseCommitIsInDoubtStaysRegistered: its sender got 503, but
// it may be stored, so no node may evaluate the heartbeat as if it had not arrived.
func TestServeHTTP_APingWhoseCommitIsInDoubtStaysRegistered(t *testing.T) {
	withStallingDisk(t, func(d *fixture, stall func() func()) {
		b := &Batcher{db: d.db, inFlight: d.handler.InFlight, queues: []*pingQueue{newPingQueue(1)}} // its commit does not end
		d.handler.Batcher = b
		release := stall()
		defer release()
		go func() { _ = d.db.Update(context.Background(), func(*store.Tx) error { return nil }) }() // is slow, and so starts a probe
		arrived := time.Now()
		if answer := d.send("POST", "", nil); answer.Code != 503 || time.Since(arrived) > 4*time.Second {
			d.t.Fatalf("answered %d after %s; want 503 within 4s", answer.Code, time.Since(arrived))
		}
		if until := d.handler.InFlight.Snapshot().EvaluableUntil(d.h.ID); !until.Before(arrived) {
			d.t.Errorf("the heartbeat is evaluable until %s; want before the ping, %s", until, arrived)
		}
	})
}

func TestFailures_SeveralHeartbeatsThatFailMeanThatNoneIsStored(t *testing.T) {
	var f failures
	now, broken := time.Now(), errors.New("broken")
	fail := func(ids ...string) {
		b := &batch{}
		for _, id := range ids {
			b.pings = append(b.pings, &queuedPing{id: id})
		}
		f.record(now, b, broken)
	}
	for range 100 {
		fail("one")
	}
	if err := f.check(now); err != nil {
		t.Errorf("one heartbeat: %v; want none, its row may be locked", err)
	}
	for n := range failureThreshold {
		fail(fmt.Sprint(n))
	}
	if err := f.check(now); !errors.Is(err, broken) {
		t.Errorf("%d heartbeats: %v; want the cause", failureThreshold, err)
	}
	if err := f.check(now.Add(failureExpiry + time.Second)); err != nil {
		t.Errorf("long after: %v; want none", err)
	}
	f.record(now, &batch{}, nil)
	if err := f.check(now); err != nil {
		t.Errorf("after a success: %v", err)
	}
}

func TestBatcher_ALockedHeartbeatOnPostgreSQLDelaysNoOther(t *testing.T) {
	onEachDatabase(t, func(d *fixture) {
		if !d.db.IsShared() {
			return // SQLite has no locks of rows
		}
		locked, answers := d.h, make(chan int, 3) // a busy worker would wait for the virtual clock
		err := d.db.Update(context.Background(), func(tx *store.Tx) error {
			if _, err := tx.HeartbeatsForPings([]string{locked.ID}); err != nil {
				return err
			}
			for range cap(answers) {
				go func() { answers <- d.sendTo(locked.ID, "POST", "", nil).Code }()
			}
			other := d.add(locked.Rule)
			for range 20 {
				if answer := d.sendTo(other.ID, "POST", "", nil); answer.Code != 200 {
					d.t.Errorf("another heartbeat: answered %d; want 200", answer.Code)
				}
			}
			if n := len(answers); n > 0 {
				d.t.Errorf("%d pings of the locked heartbeat were answered before the others", n)
			}
			return nil
		})
		if err != nil {
			d.t.Fatal(err)
		}
		for range cap(answers) {
			if code := <-answers; code != 200 {
				d.t.Errorf("after the lock: answered %d; want 200", code)
			}
		}
		if n := d.handler.InFlight.Count(); n != 0 {
			d.t.Errorf("%d pings are still registered as in flight", n)
		}
	})
}
