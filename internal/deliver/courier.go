package deliver

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"overdue/internal/meter"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// How much is sent at a time, and for how long; see also lease.go.
const (
	defaultMaxConcurrent = 1024             // enough for a hundred channels that hang
	defaultSendTimeout   = 35 * time.Second // more than the timeout of the HTTP client, whose error says more
	// leaseDuration is after how long another node may try what this one claimed.
	leaseDuration = 2 * defaultSendTimeout
	// maxWait bounds how long an alert that another node owes waits for us.
	maxWait = 5 * time.Second
)

// SendFunc tells one piece of news through a kind of channel. An error is a
// *notify.SendError.
type SendFunc func(ctx context.Context, kind string, set notify.Settings, n notify.Notification) (notify.Receipt, error)

// Dispatcher tells people what they are owed.
type Dispatcher struct {
	DB   *store.DB
	Node string // this node's id, which holds the claims
	Send SendFunc
	// MaxConcurrent is the maximum number of alerts sent at once. 0 means defaultMaxConcurrent.
	MaxConcurrent int
	Base          string // address of the pages, for links; empty: none
	// AckURL is the address that acknowledges an incident for whoever reads it in
	// the channel; nil: none is told.
	AckURL  func(incident, channel string) string
	Metrics *meter.Metrics
	Log     *slog.Logger
	Wake    func() // wakes the loop that calls Turn

	mu           sync.Mutex
	completed    []sendResult // sent, not yet noted
	sendGroup    sync.WaitGroup
	active       map[string]activeSend // sends under way or not yet noted, by alert; Turn's own
	poisoned     map[string]bool       // alerts that made a Turn fail; Turn's own
	cancels      cancelGroup
	slowChannels map[string]bool // channels whose last send was slow; used by Turn only
	reviewed     reviewState
}

// activeSend is a send that is not recorded yet.
type activeSend struct {
	channel    string
	startedAt  time.Time
	leaseUntil time.Time // until when the claim is ours
}

// poisonedError says which alert made a transaction fail.
type poisonedError struct {
	alert string
	error
}

// Unwrap returns the error itself.
func (s poisonedError) Unwrap() error { return s.error }

// delivery is one claimed alert with all that telling it takes.
type delivery struct {
	alert         monitor.Alert
	channel       monitor.Channel
	notification  notify.Notification
	heartbeatID   string // id of the heartbeat that it is about, empty for none
	allRecipients bool   // it is for all recipients of the channel
}

// sendResult is how an errand went.
type sendResult struct {
	delivery
	startedAt time.Time
	duration  time.Duration
	receipt   notify.Receipt
	err       error
}

// RunOnce notes what was sent since the last turn, claims what is due and starts
// to send it. It returns how long nothing more will be due.
func (c *Dispatcher) RunOnce(ctx context.Context, now time.Time) (rest time.Duration, err error) {
	if c.active == nil {
		c.active, c.poisoned, c.slowChannels = map[string]activeSend{}, map[string]bool{}, map[string]bool{}
	}
	noted := c.completedResults()
	slow := c.expiringLeases(noted, now)
	var errands []delivery
	var next time.Time
	var found review
	// Apart: what there is to tell was in the tables before it became owed.
	err = c.DB.UpdateWithoutFlush(ctx, func(tx *store.Tx) error {
		errands, next = nil, time.Time{}
		if err := c.recordResults(tx, noted, now); err != nil {
			return err
		}
		if err := c.renewLeases(tx, slow, now); err != nil {
			return err
		}
		var err error
		if found, err = c.reviewChannels(tx, noted, now); err != nil {
			return err
		}
		errands, next, err = c.claimDue(tx, c.countSlots(noted, now), now)
		return err
	})
	if err != nil {
		// One alert that cannot be dealt with must not hold up all others: the
		// next turn puts it off.
		if s, ok := errors.AsType[poisonedError](err); ok && !errors.Is(err, store.ErrUnavailable) {
			c.poisoned[s.alert] = true
		}
		return 0, err
	}
	clear(c.poisoned)
	c.discardResults(noted)
	c.leasesRenewed(slow, now)
	c.applyReview(ctx, found, now)
	for _, e := range errands {
		c.startSend(ctx, e, now)
	}
	if next.IsZero() {
		return maxWait, nil
	}
	return min(max(next.Sub(now), 0), maxWait), nil
}

// completedResults returns the results so far. They stay until their transaction is
// committed.
func (c *Dispatcher) completedResults() []sendResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.completed[:len(c.completed):len(c.completed)]
}

// discardResults drops results that are noted, and frees their places.
func (c *Dispatcher) discardResults(noted []sendResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.completed = c.completed[len(noted):]
	for _, r := range noted {
		delete(c.active, r.alert.ID)
	}
}

// startSend sends in the background. A send that is under way is finished even
// when the loop ends: half told is worse than late.
func (c *Dispatcher) startSend(ctx context.Context, e delivery, now time.Time) {
	c.active[e.alert.ID] = activeSend{e.channel.ID, time.Now().UTC(), now.Add(leaseDuration)}
	c.sendGroup.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout(e.channel.Kind))
		defer cancel()
		defer c.cancels.add(cancel)()
		begun := time.Now().UTC()
		receipt, err := c.sendRecovered(ctx, e)
		r := sendResult{delivery: e, startedAt: begun, duration: time.Since(begun), receipt: receipt, err: err}
		c.mu.Lock()
		c.completed = append(c.completed, r)
		c.mu.Unlock()
		c.Wake()
	})
}

// sendRecovered sends, and turns a panic into a refusal: one message that cannot be
// written must not end the process, again and again after each start.
func (c *Dispatcher) sendRecovered(ctx context.Context, e delivery) (receipt notify.Receipt, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			c.Log.Error("sending panicked", "alert", e.alert.ID, "panic", caught, "stack", string(debug.Stack()))
			err = &notify.SendError{Reason: "Overdue could not write this message; see its log."}
		}
	}()
	return c.Send(ctx, e.channel.Kind, notify.Settings(e.channel.Settings), e.notification)
}

// Stop waits for sends in progress, cancels those that take long, and records the
// results. No Turn may run at the same time or afterwards.
func (c *Dispatcher) Stop(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	defer context.AfterFunc(patience, c.cancels.cancelAll)()
	c.sendGroup.Wait()
	noted := c.completedResults()
	if len(noted) == 0 {
		return nil
	}
	err := c.DB.Update(ctx, func(tx *store.Tx) error { return c.recordResults(tx, noted, time.Now().UTC()) })
	if err == nil {
		c.discardResults(noted)
	}
	return err
}

// claimDue takes what is due, channel by channel, as far as places are free. next
// is when a channel with a free place has something due, zero when none has.
func (c *Dispatcher) claimDue(tx *store.Tx, l slots, now time.Time) (errands []delivery, next time.Time, err error) {
	owing, err := tx.PendingByChannel()
	if err != nil {
		return nil, next, err
	}
	// In no fixed order: channels that hang take places for long, and would
	// always be the same ones to come first.
	rand.Shuffle(len(owing), func(i, j int) { owing[i], owing[j] = owing[j], owing[i] })
	for _, o := range owing {
		places := l.available(o.Channel, len(errands))
		switch {
		case places <= 0: // a result will nudge us, or the channel becomes a slow one
			if slow := l.slowFrom(o.Channel); slow.After(now) {
				next = earliest(next, slow)
			}
			continue
		case o.NextAttempt.After(now):
			next = earliest(next, o.NextAttempt)
			continue
		}
		alerts, err := tx.Claim(o.Channel, c.Node, now, now.Add(leaseDuration), places)
		if err != nil {
			return nil, next, err
		}
		before := len(errands)
		for _, a := range alerts {
			if c.poisoned[a.ID] {
				if err := tx.Reschedule(a, now.Add(time.Minute), time.Time{}); err != nil {
					return nil, next, err
				}
				continue
			}
			e, ok, err := c.prepare(tx, a, now)
			if err != nil {
				return nil, next, poisonedError{a.ID, err}
			}
			if ok {
				errands = append(errands, e)
			}
		}
		if len(alerts) == places && len(errands)-before < places {
			next = now // a place is still free, and there may be more
		}
	}
	return errands, next, nil
}

// earliest returns the earlier of two moments, where zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
