package ingest

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPingQueue_WaitEndsWithThePingsOrTheTimeOrTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newPingQueue(3)
		begun := time.Now()
		add := func(n int, after time.Duration) {
			go func() {
				time.Sleep(after)
				for range n {
					if !q.add(newQueuedPing()) {
						t.Error("no room")
					}
				}
			}()
		}
		check := func(what string, pings int, after time.Duration) {
			t.Helper()
			if q.len() != pings || time.Since(begun) != after {
				t.Errorf("%s: %d pings after %s; want %d after %s", what, q.len(), time.Since(begun), pings, after)
			}
		}
		add(1, time.Second)
		q.wait(1, 0)
		check("the first ping", 1, time.Second)
		q.wait(1, 0)
		check("it is still there", 1, time.Second)
		add(1, time.Second)
		q.wait(3, 5*time.Second)
		check("too few pings", 2, 6*time.Second)
		add(1, time.Second)
		q.wait(3, 5*time.Second)
		check("enough pings", 3, 7*time.Second)
		if q.add(newQueuedPing()) {
			t.Error("there is room for more than the limit")
		}
		if n := len(q.take(2)); n != 2 || q.len() != 1 {
			t.Errorf("took %d pings, %d left; want 2 and 1", n, q.len())
		}
		go func() {
			time.Sleep(time.Second)
			q.close()
		}()
		q.wait(3, 0)
		check("a closed queue", 1, 8*time.Second)
		q.wait(3, 0)
		check("it stays closed", 1, 8*time.Second)
	})
}

func TestPingQueue_APingAtTheEndOfTheTimeWakesOnlyOneWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newPingQueue(10)
		for range 100 {
			go func() {
				time.Sleep(time.Second)
				q.add(newQueuedPing())
			}()
			q.wait(1, time.Second) // both happen at the same time
			synctest.Wait()
			begun := time.Now()
			if q.take(10); q.len() > 0 {
				t.Fatal("a ping is left")
			}
			if q.wait(1, time.Second); time.Since(begun) < time.Second {
				t.Fatal("a wait was ended by a ping of an earlier one")
			}
		}
	})
}
