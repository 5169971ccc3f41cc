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
	"overdue/internal/pingid"
	"overdue/internal/store"
)

// How much is sent at a time, and for how long; see also lease.go.
const (
	mostAtOnce  = 1024 // of which a hundred channels that hang take all
	longestSend = 30 * time.Second
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
		c.sends, c.broken = map[string]underway{}, map[string]bool{}
	}
	noted := c.peek()
	slow := c.expiring(noted, now)
	var errands []errand
	var next time.Time
	// Apart: what there is to tell was in the tables before it became owed.
	err = c.DB.UpdateApart(ctx, func(tx *store.Tx) error {
		errands, next = nil, time.Time{}
		if err := c.note(tx, noted, now); err != nil {
			return err
		}
		if err := c.renew(tx, slow, now); err != nil {
			return err
		}
		var err error
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
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longest(e.channel.Kind))
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

// Stop waits for what is being sent, ends what takes long, and notes how it went.
// No Turn may be running or follow.
func (c *Courier) Stop(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, longestStop)
	defer cancel()
	defer context.AfterFunc(patience, c.ending.end)()
	c.sending.Wait()
	noted := c.peek()
	if len(noted) == 0 {
		return nil
	}
	err := c.DB.Update(ctx, func(tx *store.Tx) error { return c.note(tx, noted, time.Now().UTC()) })
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

// note keeps how sends went.
func (c *Courier) note(tx *store.Tx, results []result, now time.Time) error {
	for _, r := range results {
		if c.broken[r.alert.ID] {
			continue // its lease ends, and it is told again
		}
		if err := c.noteOne(tx, r, now); err != nil {
			return spoilt{r.alert.ID, err}
		}
	}
	return nil
}

// noteOne keeps how one send went.
func (c *Courier) noteOne(tx *store.Tx, r result, now time.Time) error {
	try := store.Attempt{Alert: r.alert.ID, N: r.alert.Attempts, At: r.at, Took: r.took, Outcome: "sent", Status: r.receipt.Status, Detail: r.receipt.Detail}
	var err error
	switch refusal, refused := RefusalOf(r.err); {
	case !refused:
		err = c.sent(tx, r, now)
	default:
		try.Status, try.Detail, try.Outcome = refusal.Status, refusal.Body, "retry"
		next, worth := again(r.alert.Created, now, r.alert.Attempts, refusal.RetryAfter, rand.Float64())
		if refusal.Final || !worth {
			try.Outcome = "refused"
			err = c.giveUp(tx, r, refusal, now)
		} else {
			err = tx.Later(r.alert, next, asked(refusal, now))
		}
	}
	if err != nil {
		return err
	}
	if err := tx.AddAttempt(try); err != nil {
		return err
	}
	c.Meter.Delivery(r.channel.Kind, try.Outcome, r.took)
	return nil
}

// asked is until when a provider wished not to be asked, zero for no wish.
func asked(refusal *notify.Refusal, now time.Time) time.Time {
	if refusal.RetryAfter == 0 {
		return time.Time{}
	}
	return now.Add(refusal.RetryAfter)
}

// RefusalOf returns the provider's no. An error of any other kind is one too:
// whatever went wrong, nobody was told.
func RefusalOf(err error) (*notify.Refusal, bool) {
	if err == nil {
		return nil, false
	}
	var refusal *notify.Refusal
	if errors.As(err, &refusal) {
		return refusal, true
	}
	return &notify.Refusal{Body: err.Error()}, true
}

// sent marks an alert as told, makes due what waited for it, and owes the next
// reminder after a reminder.
func (c *Courier) sent(tx *store.Tx, r result, now time.Time) error {
	first, err := tx.Sent(r.alert.ID)
	if err != nil || !first {
		return err
	}
	if _, err := tx.Delivered(r.channel.ID, false, now); err != nil {
		return err
	}
	if r.alert.Event == monitor.IncidentReminder {
		return c.remindAgain(tx, r, now)
	}
	return tx.Follow(r.alert, now)
}

// remindAgain owes the next reminder, unless somebody takes care by now.
func (c *Courier) remindAgain(tx *store.Tx, r result, now time.Time) error {
	i, err := tx.Incident(r.alert.Project, r.alert.Incident)
	if err != nil {
		return err
	}
	if i.State() != monitor.Open || r.channel.RemindEvery == 0 {
		return tx.Follow(r.alert, now)
	}
	if err := tx.Note(i.ID, "reminder", "Reminded "+r.channel.Name+".", now); err != nil {
		return err
	}
	n, err := tx.Reminders(i.ID, r.channel.ID)
	if err != nil {
		return err
	}
	next := r.alert
	next.Number, next.Created, next.Next, next.Attempts = i.Number, now, now.Add(r.channel.RemindEvery), 0
	return tx.Owe(next, n)
}

// giveUp ends the tries, loudly.
func (c *Courier) giveUp(tx *store.Tx, r result, refusal *notify.Refusal, now time.Time) error {
	done, err := tx.GiveUp(r.alert)
	if err != nil || !done {
		return err
	}
	c.Log.Error("alert given up", "alert", r.alert.ID, "channel", r.channel.ID, "kind", r.channel.Kind, "event", r.alert.Event,
		"attempts", r.alert.Attempts, "reason", pingid.Shorten(refusal.Error()))
	if r.alert.Incident != "" {
		sentence := "Gave up telling " + r.channel.Name + ": " + refusal.Error() + "."
		if err := tx.Note(r.alert.Incident, "undelivered", sentence, now); err != nil {
			return err
		}
	}
	if err := tx.Follow(r.alert, now); err != nil {
		return err
	}
	news, err := tx.Delivered(r.channel.ID, true, now)
	if err != nil || !news {
		return err
	}
	return c.tellOthers(tx, r, refusal, now)
}

// tellOthers owes the news that a channel fails to the others of the project,
// once until it works again.
func (c *Courier) tellOthers(tx *store.Tx, r result, refusal *notify.Refusal, now time.Time) error {
	channels, err := tx.ChannelRoutes(r.channel.Project)
	if err != nil {
		return err
	}
	for _, other := range channels {
		if other.ID == r.channel.ID || other.Failing {
			continue
		}
		err := tx.Owe(monitor.Alert{
			Project: other.Project, Channel: other.ID, Event: monitor.ChannelFailing,
			About: about(r.channel, refusal), Created: now, Next: now,
		}, 0)
		if err != nil {
			return err
		}
	}
	return nil
}
