package deliver

import (
	"context"
	"sync"
	"time"

	"overdue/internal/notify"
	"overdue/internal/store"
)

// stopTimeout is how long a stop waits for sends in progress. Sends that take longer
// are canceled, and count as not answered.
const stopTimeout = 25 * time.Second

// sendTimeout bounds one attempt through a kind of channel. A mail server may take
// minutes to answer; the lease is renewed meanwhile.
func sendTimeout(kind string) time.Duration {
	if k, known := notify.KindOf(kind); known && k.Longest > 0 {
		return k.Longest + 5*time.Second // the kind's own limit ends it, with a better reason
	}
	return longestSend
}

// expiring returns the sends in progress whose lease would not last until the end of
// an ordinary send. A result that this turn records needs none.
func (c *Courier) expiring(noted []result, now time.Time) []string {
	done := map[string]bool{}
	for _, r := range noted {
		done[r.alert.ID] = true
	}
	var alerts []string
	for alert, s := range c.sends {
		if !done[alert] && s.lease.Sub(now) < longestSend {
			alerts = append(alerts, alert)
		}
	}
	return alerts
}

// renew extends the claims of sends in progress, so that no other node sends the
// same while a slow mail server has not answered.
func (c *Courier) renew(tx *store.Tx, alerts []string, now time.Time) error {
	for _, alert := range alerts {
		if err := tx.Renew(alert, c.Node, now.Add(longestLease)); err != nil {
			return err
		}
	}
	return nil
}

// renewed remembers the new leases once they are committed.
func (c *Courier) renewed(alerts []string, now time.Time) {
	for _, alert := range alerts {
		s := c.sends[alert]
		s.lease = now.Add(longestLease)
		c.sends[alert] = s
	}
}

// ending ends sends that a stop would wait for too long.
type ending struct {
	mu      sync.Mutex
	ended   bool
	next    int
	cancels map[int]context.CancelFunc
}

// join adds a send; leave removes it again.
func (e *ending) join(cancel context.CancelFunc) (leave func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		cancel()
	}
	if e.cancels == nil {
		e.cancels = map[int]context.CancelFunc{}
	}
	e.next++
	id := e.next
	e.cancels[id] = cancel
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.cancels, id)
	}
}

// end cancels all sends, also those that begin later.
func (e *ending) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	for _, cancel := range e.cancels {
		cancel()
	}
}
