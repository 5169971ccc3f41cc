package deliver

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
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
	if free := c.countSlots(nil, now).available("another", 0); free != fastChannelSlots {
		t.Errorf("%d free places next to slow sends only; want %d", free, fastChannelSlots)
	}
	add(4, now)
	if free := c.countSlots(nil, now).available("another", 0); free != 0 {
		t.Errorf("%d free places next to as many ordinary sends as there are places; want 0", free)
	}
	// The maximum of slow sends is as high as that of ordinary ones.
	c.active = map[string]activeSend{}
	add(8, now.Add(-defaultSendTimeout))
	if free := c.countSlots(nil, now).available("another", 0); free != 0 {
		t.Errorf("%d free places next to twice as many slow sends as places; want 0", free)
	}
}

func TestExpiringLeases_ListsSendsWhoseLeaseWouldEndDuringASend(t *testing.T) {
	now := time.Now()
	c := &Dispatcher{active: map[string]activeSend{
		"fresh":    {leaseUntil: now.Add(leaseDuration)},
		"old":      {leaseUntil: now.Add(defaultSendTimeout - 1)},
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
