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
	mostAtOnce  = 1024             // enough for a hundred channels that hang
	longestSend = 35 * time.Second // more than the timeout of the HTTP client, whose error says more
	// longestLease is after how long another node may try what this one claimed.
	longestLease = 2 * longestSend
	// longestRest bounds how long an alert that another node owes waits for us.
	longestRest = 5 * time.Second
)

// Sender tells one piece of news through a kind of channel. An error is a
// *notify.Refusal.
type Sender func(ctx context.Context, kind string, set notify.Settings, n notify.News) (notify.Receipt, error)

// Courier tells people what they are owed.
type Courier struct {
	DB   *store.DB
	Node string // this node's id, which holds the claims
	Send Sender
	// Most is the maximum number of alerts sent at once. 0 means mostAtOnce.
	Most int
	Base string // address of the pages, for links; empty: none
	// AckURL is the address that acknowledges an incident for whoever reads it in
	// the channel; nil: none is told.
	AckURL func(incident, channel string) string
	Meter  *meter.Meter
	Log    *slog.Logger
	Nudge  func() // wakes the loop that calls Turn

	mu      sync.Mutex
	results []result // sent, not yet noted
	sending sync.WaitGroup
	sends   map[string]underway // sends under way or not yet noted, by alert; Turn's own
	broken  map[string]bool     // alerts that made a Turn fail; Turn's own
	ending  ending
	slow    map[string]bool // channels whose last send was slow; used by Turn only
	health  health
}

// underway is a send that is not recorded yet.
type underway struct {
	channel string
	begun   time.Time
	lease   time.Time // until when the claim is ours
}

// spoilt says which alert made a transaction fail.
type spoilt struct {
	alert string
	error
}

// Unwrap returns the error itself.
func (s spoilt) Unwrap() error { return s.error }

// errand is one claimed alert with all that telling it takes.
type errand struct {
	alert   monitor.Alert
	channel monitor.Channel
	news    notify.News
	own     string // id of the heartbeat that it is about, empty for none
	whole   bool   // it is for all recipients of the channel
}

// result is how an errand went.
type result struct {
	errand
	at      time.Time
	took    time.Duration
	receipt notify.Receipt
	err     error
}

// Turn notes what was sent since the last turn, claims what is due and starts
// to send it. It returns how long nothing more will be due.
func (c *Courier) Turn(ctx context.Context, now time.Time) (rest time.Duration, err error) {
	if c.sends == nil {
		c.sends, c.broken, c.slow = map[string]underway{}, map[string]bool{}, map[string]bool{}
	}
	noted := c.peek()
	slow := c.expiring(noted, now)
	var errands []errand
	var next time.Time
	var found review
	// Apart: what there is to tell was in the tables before it became owed.
	err = c.DB.UpdateApart(ctx, func(tx *store.Tx) error {
		errands, next = nil, time.Time{}
		if err := c.record(tx, noted, now); err != nil {
			return err
		}
		if err := c.renew(tx, slow, now); err != nil {
			return err
		}
		var err error
		if found, err = c.reviewChannels(tx, noted, now); err != nil {
			return err
		}
		errands, next, err = c.claim(tx, c.lanes(noted, now), now)
		return err
	})
	if err != nil {
		// One alert that cannot be dealt with must not hold up all others: the
		// next turn puts it off.
		if s, ok := errors.AsType[spoilt](err); ok && !errors.Is(err, store.ErrAway) {
			c.broken[s.alert] = true
		}
		return 0, err
	}
	clear(c.broken)
	c.forget(noted)
	c.renewed(slow, now)
	c.applyReview(ctx, found, now)
	for _, e := range errands {
		c.start(ctx, e, now)
	}
	if next.IsZero() {
		return longestRest, nil
	}
	return min(max(next.Sub(now), 0), longestRest), nil
}

// peek returns the results so far. They stay until their transaction is
// committed.
func (c *Courier) peek() []result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.results[:len(c.results):len(c.results)]
}

// forget drops results that are noted, and frees their places.
func (c *Courier) forget(noted []result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.results = c.results[len(noted):]
	for _, r := range noted {
		delete(c.sends, r.alert.ID)
	}
}

// start sends in the background. A send that is under way is finished even
// when the loop ends: half told is worse than late.
func (c *Courier) start(ctx context.Context, e errand, now time.Time) {
	c.sends[e.alert.ID] = underway{e.channel.ID, time.Now().UTC(), now.Add(longestLease)}
	c.sending.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout(e.channel.Kind))
		defer cancel()
		defer c.ending.join(cancel)()
		begun := time.Now().UTC()
		receipt, err := c.guarded(ctx, e)
		r := result{errand: e, at: begun, took: time.Since(begun), receipt: receipt, err: err}
		c.mu.Lock()
		c.results = append(c.results, r)
		c.mu.Unlock()
		c.Nudge()
	})
}

// guarded sends, and turns a panic into a refusal: one message that cannot be
// written must not end the process, again and again after each start.
func (c *Courier) guarded(ctx context.Context, e errand) (receipt notify.Receipt, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			c.Log.Error("sending panicked", "alert", e.alert.ID, "panic", caught, "stack", string(debug.Stack()))
			err = &notify.Refusal{Body: "Overdue could not write this message; see its log."}
		}
	}()
	return c.Send(ctx, e.channel.Kind, notify.Settings(e.channel.Settings), e.news)
}

// Stop waits for sends in progress, cancels those that take long, and records the
// results. No Turn may run at the same time or afterwards.
func (c *Courier) Stop(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	defer context.AfterFunc(patience, c.ending.end)()
	c.sending.Wait()
	noted := c.peek()
	if len(noted) == 0 {
		return nil
	}
	err := c.DB.Update(ctx, func(tx *store.Tx) error { return c.record(tx, noted, time.Now().UTC()) })
	if err == nil {
		c.forget(noted)
	}
	return err
}

// claim takes what is due, channel by channel, as far as places are free. next
// is when a channel with a free place has something due, zero when none has.
func (c *Courier) claim(tx *store.Tx, l lanes, now time.Time) (errands []errand, next time.Time, err error) {
	owing, err := tx.Owing()
	if err != nil {
		return nil, next, err
	}
	// In no fixed order: channels that hang take places for long, and would
	// always be the same ones to come first.
	rand.Shuffle(len(owing), func(i, j int) { owing[i], owing[j] = owing[j], owing[i] })
	for _, o := range owing {
		places := l.free(o.Channel, len(errands))
		switch {
		case places <= 0: // a result will nudge us, or the channel becomes a slow one
			if slow := l.slowAt(o.Channel); slow.After(now) {
				next = earlier(next, slow)
			}
			continue
		case o.Next.After(now):
			next = earlier(next, o.Next)
			continue
		}
		alerts, err := tx.Claim(o.Channel, c.Node, now, now.Add(longestLease), places)
		if err != nil {
			return nil, next, err
		}
		before := len(errands)
		for _, a := range alerts {
			if c.broken[a.ID] {
				if err := tx.Later(a, now.Add(time.Minute), time.Time{}); err != nil {
					return nil, next, err
				}
				continue
			}
			e, ok, err := c.prepare(tx, a, now)
			if err != nil {
				return nil, next, spoilt{a.ID, err}
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

// earlier returns the earlier of two moments, where zero means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
