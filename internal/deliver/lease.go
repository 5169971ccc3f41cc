package deliver

import (
	"context"
	"sync"
	"time"

	"overdue/internal/notify"
)

// stopTimeout is the maximum time that a stop waits for sends in progress. Sends that take longer
// are canceled, and count as not answered.
const stopTimeout = 25 * time.Second

// sendTimeout bounds one attempt through a kind of channel. A mail server may take
// minutes to answer; the lease is renewed meanwhile.
func sendTimeout(kind string) time.Duration {
	if k, known := notify.KindOf(kind); known && k.AttemptTimeout > 0 {
		return k.AttemptTimeout + 5*time.Second // the timeout of the kind ends first, with a better reason
	}
	return defaultSendTimeout
}

// expiringLeases returns the sends in progress whose lease ends soon. Sends whose results
// this run records need none.
func (c *Dispatcher) expiringLeases(recorded []sendResult, now time.Time) []string {
	done := map[string]bool{}
	for _, r := range recorded {
		done[r.alert.ID] = true
	}
	var alerts []string
	for alert, s := range c.active {
		if !done[alert] && s.leaseUntil.Sub(now) <= renewBefore {
			alerts = append(alerts, alert)
		}
	}
	return alerts
}

// nextRenewal returns when the first lease of a send in progress must be renewed, or a
// time far in the future.
func (c *Dispatcher) nextRenewal() time.Time {
	var first time.Time
	for _, s := range c.active {
		first = earliest(first, s.leaseUntil)
	}
	if first.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return first.Add(-renewBefore)
}

// abandon drops an alert whose lease ended before it was sent: another node may have
// sent it. If not, it is claimed again.
func (c *Dispatcher) abandon(alert string) {
	c.mu.Lock()
	c.abandoned = append(c.abandoned, alert)
	c.mu.Unlock()
	c.Log.Warn("delivery abandoned: claim ended before the alert was sent", "component", "deliver", "alert", alert)
	c.Wake()
}

// forgetAbandoned removes the abandoned alerts from the sends in progress.
func (c *Dispatcher) forgetAbandoned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, alert := range c.abandoned {
		delete(c.active, alert)
	}
	c.abandoned = nil
}

// leasesRenewed remembers the new leases once they are committed.
func (c *Dispatcher) leasesRenewed(alerts []string, now time.Time) {
	for _, alert := range alerts {
		s := c.active[alert]
		s.leaseUntil = now.Add(leaseDuration)
		c.active[alert] = s
	}
}

// cancelGroup cancels the sends that a stop would wait for too long.
type cancelGroup struct {
	mu       sync.Mutex
	canceled bool
	nextID   int
	cancels  map[int]context.CancelFunc
}

// add adds a send. leave removes it.
func (e *cancelGroup) add(cancel context.CancelFunc) (leave func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.canceled {
		cancel()
	}
	if e.cancels == nil {
		e.cancels = map[int]context.CancelFunc{}
	}
	e.nextID++
	id := e.nextID
	e.cancels[id] = cancel
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.cancels, id)
	}
}

// cancelAll cancels all sends, including those that start later.
func (e *cancelGroup) cancelAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.canceled = true
	for _, cancel := range e.cancels {
		cancel()
	}
}
