package deliver

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestLanes_ASendThatTakesMinutesDoesNotCount(t *testing.T) {
	now := time.Now()
	c := &Courier{Most: 4, sends: map[string]underway{}}
	add := func(n int, begun time.Time) {
		for range n {
			c.sends[fmt.Sprint(len(c.sends))] = underway{channel: fmt.Sprint("channel ", len(c.sends)), begun: begun}
		}
	}
	add(4, now.Add(-longestSend))
	if free := c.lanes(nil, now).free("another", 0); free != quickLanes {
		t.Errorf("%d free places next to slow sends only; want %d", free, quickLanes)
	}
	add(4, now)
	if free := c.lanes(nil, now).free("another", 0); free != 0 {
		t.Errorf("%d free places next to as many ordinary sends as there are places; want 0", free)
	}
	// The maximum of slow sends is as high as that of ordinary ones.
	c.sends = map[string]underway{}
	add(8, now.Add(-longestSend))
	if free := c.lanes(nil, now).free("another", 0); free != 0 {
		t.Errorf("%d free places next to twice as many slow sends as places; want 0", free)
	}
}

func TestExpiring_ListsSendsWhoseLeaseWouldEndDuringAnotherSend(t *testing.T) {
	now := time.Now()
	c := &Courier{sends: map[string]underway{
		"fresh": {lease: now.Add(longestLease)},
		"old":   {lease: now.Add(longestSend - 1)},
		"noted": {lease: now},
	}}
	noted := result{}
	noted.alert.ID = "noted"
	if got := c.expiring([]result{noted}, now); !slices.Equal(got, []string{"old"}) {
		t.Errorf("%v; want only the one that is neither fresh nor done", got)
	}
	c.renewed([]string{"old"}, now)
	if got := c.expiring([]result{noted}, now); got != nil {
		t.Errorf("%v after the renewal; want none", got)
	}
}

func TestEnding_EndsSendsInProgressAndLaterOnes(t *testing.T) {
	var e ending
	ended := 0
	cancel := context.CancelFunc(func() { ended++ })
	e.join(cancel)()
	e.join(cancel)
	e.end()
	if ended != 1 {
		t.Errorf("%d sends ended; want the one in progress", ended)
	}
	e.join(cancel)
	if ended != 2 {
		t.Errorf("%d sends ended; want a later one at once", ended)
	}
}
