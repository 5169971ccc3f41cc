package deliver

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/store"
)

func TestSlots_ASendThatTakesMinutesDoesNotCount(t *testing.T) {
	now := time.Now()
	c := &Dispatcher{MaxConcurrent: 4, active: map[string]activeSend{}}
	add := func(n int, begun time.Time) {
		for range n {
			c.active[fmt.Sprint(len(c.active))] = activeSend{channel: fmt.Sprint("channel ", len(c.active)), startedAt: begun}
		}
	}
	add(4, now.Add(-defaultSendTimeout))
	if free := c.countSlots(nil, now).available("another", "webhook", 0); free != 1 {
		t.Errorf("%d free places next to slow sends only; want 1", free)
	}
	add(4, now)
	if free := c.countSlots(nil, now).available("another", "webhook", 0); free != 0 {
		t.Errorf("%d free places next to as many ordinary sends as there are places; want 0", free)
	}
	// The maximum of slow sends is as high as that of ordinary ones.
	c.active = map[string]activeSend{}
	add(8, now.Add(-defaultSendTimeout))
	if free := c.countSlots(nil, now).available("another", "webhook", 0); free != 0 {
		t.Errorf("%d free places next to twice as many slow sends as places; want 0", free)
	}
}

func TestExpiringLeases_ListsSendsWhoseLeaseWouldEndDuringASend(t *testing.T) {
	now := time.Now()
	c := &Dispatcher{active: map[string]activeSend{
		"fresh":    {leaseUntil: now.Add(leaseDuration)},
		"old":      {leaseUntil: now.Add(renewBefore)},
		"recorded": {leaseUntil: now},
	}}
	recorded := sendResult{}
	recorded.alert.ID = "recorded"
	if got := c.expiringLeases([]sendResult{recorded}, now); !slices.Equal(got, []string{"old"}) {
		t.Errorf("%v; want only the one that is neither fresh nor done", got)
	}
	c.leasesRenewed([]string{"old"}, now)
	if got := c.expiringLeases([]sendResult{recorded}, now); got != nil {
		t.Errorf("%v after the renewal; want none", got)
	}
}

func TestCancelAll_CancelsSendsInProgressAndLaterOnes(t *testing.T) {
	var e cancelGroup
	ended := 0
	cancel := context.CancelFunc(func() { ended++ })
	e.add(cancel)()
	e.add(cancel)
	e.cancelAll()
	if ended != 1 {
		t.Errorf("%d sends ended; want the one in progress", ended)
	}
	e.add(cancel)
	if ended != 2 {
		t.Errorf("%d sends ended; want a later one at once", ended)
	}
}

func TestRunOnce_AnAlertWhoseClaimEndedBeforeTheSendIsNotSent(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.enqueue(-time.Minute)
		// The process is suspended between reading the clock and the send.
		for _, suspended := range []time.Duration{leaseDuration - leaseMargin + time.Microsecond, time.Hour} {
			if _, err := f.RunOnce(context.Background(), time.Now().UTC().Add(-suspended)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(f.sent) != 0 || len(f.completed) != 0 {
				t.Fatalf("after a suspension of %s: sent %d", suspended, len(f.sent))
			}
			time.Sleep(leaseMargin)
		}
		f.deliver()
		if len(f.sent) != 1 || f.pending() != 0 || len(f.active) != 0 {
			t.Errorf("sent %d, %d pending, %d active; want sent once", len(f.sent), f.pending(), len(f.active))
		}
	})
}

func TestRunOnce_ASlowSendKeepsItsClaim(t *testing.T) {
	onEachDatabase(t, func(f *fixture) {
		f.takes = 30 * time.Second
		f.enqueue(0)
		for waited := time.Duration(0); waited < f.takes; {
			wait := f.runOnce()
			if wait > leaseDuration-renewBefore {
				t.Fatalf("the next run is after %s; want to renew the claim before", wait)
			}
			time.Sleep(max(wait, time.Millisecond))
			waited += max(wait, time.Millisecond)
			f.update(func(tx *store.Tx) error {
				claimed, err := tx.Claim(f.channel.ID, "another node", time.Now().UTC(), time.Now().UTC().Add(time.Minute), 10)
				if len(claimed) != 0 {
					t.Fatalf("another node claimed the alert after %s", waited)
				}
				return err
			})
		}
		time.Sleep(time.Second)
		f.runOnce()
		if len(f.sent) != 1 || f.pending() != 0 {
			t.Errorf("sent %d, %d pending", len(f.sent), f.pending())
		}
	})
}
