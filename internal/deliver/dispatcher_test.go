package deliver

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// fixture is a Dispatcher on a project with one channel, and a provider.
type fixture struct {
	*Dispatcher
	t       *testing.T
	db      *store.DB
	channel monitor.Channel
	sends   sync.Mutex // of what sends change
	sent    []message.Notification
	err     error         // response of the provider
	panics  bool          // the provider panics
	takes   time.Duration // duration of a send
	wakes   int
}

// onEachDatabase runs a test in virtual time on each database.
func onEachDatabase(t *testing.T, test func(*fixture)) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		f := &fixture{t: t, db: open()}
		f.db.SetNode("node")
		zero := func() float64 { return 0 }
		f.Dispatcher = &Dispatcher{
			DB: f.db, Node: "node", Send: f.send, Metrics: metrics.New(zero, zero), Log: slog.New(slog.DiscardHandler), Wake: f.wake,
		}
		f.update(func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
			if err != nil {
				return err
			}
			f.channel, err = tx.AddChannel(monitor.Channel{Project: p.Key, Kind: "webhook", Name: "ops", Settings: map[string]any{}, Created: time.Now()})
			return err
		})
		test(f)
	})
}

// send is the provider.
func (f *fixture) send(_ context.Context, _ string, _ setting.Values, n message.Notification) (notify.Receipt, error) {
	time.Sleep(f.takes)
	if f.panics {
		panic("cannot render")
	}
	if f.err != nil {
		return notify.Receipt{}, f.err
	}
	f.sends.Lock()
	defer f.sends.Unlock()
	f.sent = append(f.sent, n)
	return notify.Receipt{Status: 200}, nil
}

// wake counts the results of sends.
func (f *fixture) wake() {
	f.sends.Lock()
	defer f.sends.Unlock()
	f.wakes++
}

// sleep waits in virtual time.
func (f *fixture) sleep(d time.Duration) { time.Sleep(d) }

// update changes the database.
func (f *fixture) update(fn func(*store.Tx) error) {
	f.t.Helper()
	if err := f.db.Update(context.Background(), fn); err != nil {
		f.t.Fatal(err)
	}
}

// enqueue adds an alert that is due after a delay.
func (f *fixture) enqueue(delay time.Duration) {
	f.t.Helper()
	now := time.Now().UTC()
	f.update(func(tx *store.Tx) error {
		return tx.Enqueue(monitor.Alert{
			Project: f.channel.Project, Channel: f.channel.ID, Event: monitor.ChannelFailing, Subject: "{}", Created: now, NextAttempt: now.Add(delay),
		}, 0)
	})
}

// runOnce runs the dispatcher once, waits for its sends, and returns the wait.
func (f *fixture) runOnce() time.Duration {
	f.t.Helper()
	wait, err := f.RunOnce(context.Background(), time.Now().UTC())
	if err != nil {
		f.t.Fatal(err)
	}
	synctest.Wait()
	return wait
}

// deliver runs the dispatcher twice: the second run records the results of the first.
func (f *fixture) deliver() time.Duration {
	f.t.Helper()
	f.runOnce()
	return f.runOnce()
}

// pending returns the number of pending alerts.
func (f *fixture) pending() (n int) {
	f.t.Helper()
	err := f.db.View(context.Background(), func(tx *store.Tx) error {
		outbox, err := tx.Outbox()
		n = outbox.Pending
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

func TestRunOnce_SendsADueAlertOnceAndWakesTheLoop(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.enqueue(0)
		f.deliver()
		f.runOnce()
		if len(f.sent) != 1 || f.wakes != 1 || f.pending() != 0 {
			t.Errorf("sent %d, woken %d times, %d pending; want sent once", len(f.sent), f.wakes, f.pending())
		}
	})
}

func TestRunOnce_MarksAnAlertAsSentOnlyAfterTheResponse(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.takes = time.Second
		f.enqueue(0)
		f.runOnce()
		if f.pending() != 1 {
			t.Errorf("%d pending during the send; want 1", f.pending())
		}
		time.Sleep(2 * time.Second)
		f.runOnce()
		if f.pending() != 0 {
			t.Errorf("%d pending after the response; want 0", f.pending())
		}
	})
}

func TestRunOnce_RetriesAfterTheBackoff(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.err = &notify.SendError{Status: 503, Reason: "busy"}
		f.enqueue(0)
		f.deliver()
		f.err = nil
		time.Sleep(retryDelays[0] - time.Second)
		f.deliver()
		if len(f.sent) != 0 || f.pending() != 1 {
			t.Fatalf("before the backoff: sent %d, %d pending; want one pending", len(f.sent), f.pending())
		}
		time.Sleep(3 * time.Second)
		f.deliver()
		if len(f.sent) != 1 || f.pending() != 0 {
			t.Errorf("after the backoff: sent %d, %d pending; want it sent", len(f.sent), f.pending())
		}
	})
}

func TestRunOnce_HonorsALongerRetryAfter(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.err = &notify.SendError{Status: 429, RetryAfter: 10 * time.Minute}
		f.enqueue(0)
		f.deliver()
		f.err = nil
		time.Sleep(9 * time.Minute)
		f.deliver()
		if len(f.sent) != 0 {
			t.Fatal("sent before the Retry-After")
		}
		time.Sleep(2 * time.Minute)
		f.deliver()
		if len(f.sent) != 1 {
			t.Errorf("sent %d after the Retry-After; want 1", len(f.sent))
		}
	})
}

func TestRunOnce_APermanentErrorIsNotRetried(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.err = &notify.SendError{Status: 404, Permanent: true}
		f.enqueue(0)
		f.deliver()
		if f.pending() != 0 {
			t.Errorf("%d pending; want 0", f.pending())
		}
	})
}

func TestRunOnce_APanicIsRetriedLikeAnError(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.panics = true
		f.enqueue(0)
		f.deliver()
		f.panics = false
		time.Sleep(retryDelays[0] * 2)
		f.deliver()
		if len(f.sent) != 1 {
			t.Errorf("sent %d after a panic; want 1", len(f.sent))
		}
	})
}

func TestRunOnce_WaitsUntilTheNextAlertButNotLongerThanTheMaximum(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		if wait := f.runOnce(); wait != maxWait {
			t.Errorf("wait %s without alerts; want %s", wait, maxWait)
		}
		f.enqueue(3 * time.Second)
		if wait := f.runOnce(); wait <= 2*time.Second || wait > 3*time.Second {
			t.Errorf("wait %s; want 3s", wait)
		}
	})
}

func TestPause_WaitsForSendsInProgressAndClaimsNoAlerts(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.takes = 3 * time.Second
		f.enqueue(0)
		f.runOnce()
		began := time.Now()
		f.Pause(context.Background())
		if waited := time.Since(began); waited < 3*time.Second || waited > 4*time.Second || len(f.sent) != 1 {
			t.Errorf("waited %s, %d sent; want 3 s and 1", waited, len(f.sent))
		}
		f.enqueue(0)
		f.deliver()
		if n := f.pending(); n != 1 || len(f.sent) != 1 {
			t.Errorf("%d pending, %d sent; want the result recorded and the new alert left to the next server", n, len(f.sent))
		}
	})
}

func TestPause_EndsWithItsContext(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.takes = 20 * time.Second
		f.enqueue(0)
		f.runOnce()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		began := time.Now()
		f.Pause(ctx)
		if waited := time.Since(began); waited > 6*time.Second {
			t.Errorf("waited %s; want 5 s", waited)
		}
		if err := f.Stop(context.Background()); err != nil || len(f.sent) != 1 {
			t.Errorf("%v, %d sent", err, len(f.sent))
		}
	})
}

func TestStop_RecordsTheResultOfASendInProgress(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.takes = 2 * time.Second
		f.enqueue(0)
		f.runOnce()
		if err := f.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if len(f.sent) != 1 || f.pending() != 0 {
			t.Errorf("sent %d, %d pending; want it sent and recorded", len(f.sent), f.pending())
		}
	})
}

// TestClaim_EveryFourthSingleClaimTakesTheAlertThatHasBeenDueLongest: a channel with one
// place must not only send new alerts.
func TestClaim_EveryFourthSingleClaimTakesTheAlertThatHasBeenDueLongest(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.windows = map[string]*window{}
		for i := range 6 {
			f.enqueue(time.Duration(i-10) * time.Second)
			time.Sleep(time.Millisecond) // another id
		}
		now := time.Now().UTC()
		var ages []int
		for range 5 {
			f.update(func(tx *store.Tx) error {
				claimed, err := f.claim(tx, f.channel.ID, 1, now)
				if len(claimed) == 1 {
					ages = append(ages, int(claimed[0].Created.UnixMilli()%1000))
				}
				return err
			})
		}
		if want := []int{5, 4, 3, 0, 2}; !slices.Equal(ages, want) {
			t.Errorf("claimed %v; want %v", ages, want)
		}
	})
}
