package deliver

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// Limits of concurrent sends; see also lease.go.
const (
	defaultMaxConcurrent = 1024             // enough for a hundred channels that hang
	defaultSendTimeout   = 35 * time.Second // more than the timeout of the HTTP client, whose error says more
	// leaseDuration is the duration of a claim. After that, another node may send the
	// alert. A send that takes longer keeps its claim: see renewBefore.
	leaseDuration = 8 * time.Second
	// renewBefore is the time before the end of a claim at which it is renewed.
	renewBefore = 5 * time.Second
	// leaseMargin is the time before the end of a claim from which no send starts: the
	// clocks of two nodes differ by up to a second.
	leaseMargin = time.Second
	// maxWait is the maximum time until an alert that another node enqueued is found.
	maxWait = 5 * time.Second
)

// SendFunc sends a notification through a channel of the given kind. Its errors
// are *notify.SendError.
type SendFunc func(ctx context.Context, kind string, set setting.Values, n message.Notification) (notify.Receipt, error)

// Dispatcher claims pending alerts, sends them, and records the results.
type Dispatcher struct {
	DB   *store.DB
	Node string // this node's id, which holds the claims
	Send SendFunc
	// MaxConcurrent is the maximum number of concurrent sends. 0 means
	// defaultMaxConcurrent.
	MaxConcurrent int
	Base          string // address of the pages, for links; empty: none
	// AckURL returns the URL that acknowledges an incident from a
	// channel. Nil: messages have none.
	AckURL func(incident, channel string) string
	// CanaryArrived receives the alerts of the canary of this node, with the missed
	// deadline. They are sent nowhere else.
	CanaryArrived func(deadline time.Time)
	// AdoptSettings stores settings that a service changed, in the transaction that records the
	// send. channel is the channel as it was used. Nil: they are dropped.
	AdoptSettings func(tx *store.Tx, channel monitor.Channel, changed setting.Values, now time.Time) error
	Metrics       *metrics.Metrics
	Log           *slog.Logger
	Wake          func() // wakes the loop that calls RunOnce

	mu        sync.Mutex
	completed []sendResult // of sends that are not recorded yet
	abandoned []string     // ids of alerts whose claim ended before they were sent
	sendGroup sync.WaitGroup
	active    map[string]activeSend // sends in progress or not recorded yet, by alert id; only used by RunOnce
	poisoned  map[string]bool       // ids of alerts that made RunOnce fail; only used by RunOnce
	oneByOne  bool                  // a batch of alerts failed: the next run handles each alert separately to find the poisoned one; only used by RunOnce
	windows   map[string]*window    // by channel; only used by RunOnce
	cancels   cancelGroup
	reviewed  reviewState
	paused    atomic.Bool  // no alerts are claimed any more
	sending   atomic.Int32 // sends in progress
}

// activeSend is a send that is not recorded yet.
type activeSend struct {
	channel    string
	startedAt  time.Time
	leaseUntil time.Time // end of the claim
}

// poisonedError names the alert that made a transaction fail.
type poisonedError struct {
	alert string
	error
}

// Unwrap returns the error itself.
func (s poisonedError) Unwrap() error { return s.error }

// delivery is one claimed alert with everything that is needed to send it.
type delivery struct {
	alert         monitor.Alert
	channel       monitor.Channel
	notification  message.Notification
	heartbeatID   string    // public id of the heartbeat, empty if the alert is about none
	pings         int64     // number of pings of the heartbeat
	allRecipients bool      // the attempt is for all recipients of the channel
	snoozedUntil  time.Time // of the incident, zero if it is not snoozed
}

// sendResult is the result of one attempt.
type sendResult struct {
	delivery
	startedAt time.Time
	duration  time.Duration
	receipt   notify.Receipt
	err       error
	adapted   bool // the window of the channel takes it into account
}

// RunOnce records the results since the previous run, claims due alerts and
// starts to send them. It returns how long to wait until the next alert is due.
func (c *Dispatcher) RunOnce(ctx context.Context, now time.Time) (rest time.Duration, err error) {
	if c.active == nil {
		c.active, c.poisoned, c.windows = map[string]activeSend{}, map[string]bool{}, map[string]*window{}
	}
	recorded := c.completedResults()
	c.adaptWindows(now)
	c.forgetAbandoned()
	slow := c.expiringLeases(recorded, now)
	var deliveries []delivery
	var next time.Time
	var found channelCheck
	// No flush is needed: an alert is enqueued in the same transaction as its cause.
	err = c.DB.Update(ctx, func(tx *store.Tx) error {
		deliveries, next = nil, time.Time{}
		if err := c.recordResults(tx, recorded, now); err != nil {
			return err
		}
		if err := tx.RenewClaims(slow, c.Node, now.Add(leaseDuration)); err != nil {
			return err
		}
		var err error
		if found, err = c.reviewChannels(tx, recorded, now); err != nil {
			return err
		}
		deliveries, next, err = c.claimDue(tx, c.countSlots(recorded, now), now)
		return err
	})
	if err != nil {
		c.findPoisoned(err)
		return 0, err
	}
	clear(c.poisoned)
	c.oneByOne = false
	c.discardResults(recorded)
	c.leasesRenewed(slow, now)
	c.applyReview(ctx, found, now)
	for _, e := range deliveries {
		c.startSend(ctx, e, now)
	}
	if err := c.countOutbox(ctx, now); err != nil {
		return 0, err
	}
	rest = min(maxWait, c.nextRenewal().Sub(now))
	if !next.IsZero() {
		rest = min(rest, next.Sub(now))
	}
	return max(rest, 0), nil
}

// findPoisoned remembers the alert that made a run fail: one poisoned alert must not stop
// all others, so the next run reschedules it. If the error names no alert, the next run
// handles each alert separately.
func (c *Dispatcher) findPoisoned(err error) {
	if errors.Is(err, store.ErrUnavailable) {
		return
	}
	if s, ok := errors.AsType[poisonedError](err); ok {
		c.poisoned[s.alert] = true
	} else {
		c.oneByOne = true
	}
}

// completedResults returns the results that are not recorded yet. They stay until
// their transaction is committed.
func (c *Dispatcher) completedResults() []sendResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.completed[:len(c.completed):len(c.completed)]
}

// discardResults drops results after they were recorded, and frees their slots.
func (c *Dispatcher) discardResults(recorded []sendResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.completed = c.completed[len(recorded):]
	for _, r := range recorded {
		delete(c.active, r.alert.ID)
	}
}

// startSend sends in the background. A send in progress continues when the loop
// ends: its result decides whether the alert is sent again.
func (c *Dispatcher) startSend(ctx context.Context, e delivery, now time.Time) {
	leaseUntil := now.Add(leaseDuration)
	c.active[e.alert.ID] = activeSend{e.channel.ID, c.DB.Now(), leaseUntil}
	c.sending.Add(1)
	c.sendGroup.Go(func() {
		defer c.sending.Add(-1)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout(e.channel.Kind))
		defer cancel()
		defer c.cancels.add(cancel)()
		begun, at := time.Now(), c.DB.Now()
		if at.After(leaseUntil.Add(-leaseMargin)) { // the process was suspended, or the commit took long
			c.abandon(e.alert.ID)
			return
		}
		receipt, err := c.sendRecovered(ctx, e)
		r := sendResult{delivery: e, startedAt: at, duration: time.Since(begun), receipt: receipt, err: err}
		c.mu.Lock()
		c.completed = append(c.completed, r)
		c.mu.Unlock()
		c.Wake()
	})
}

// sendRecovered sends, and returns a panic as an error: otherwise one message that
// cannot be rendered would end the process after every start.
func (c *Dispatcher) sendRecovered(ctx context.Context, e delivery) (receipt notify.Receipt, err error) {
	defer func() {
		if caught := recover(); caught != nil {
			c.Log.Error("delivery panicked", "component", "deliver", "alert", e.alert.ID, "panic", caught, "stack", string(debug.Stack()))
			err = &notify.SendError{Reason: "Overdue could not render this message; see its log."}
		}
	}()
	if e.channel.Kind == store.CanaryKind {
		c.CanaryArrived(e.notification.At)
		return notify.Receipt{}, nil
	}
	return c.Send(ctx, e.channel.Kind, setting.Values(e.channel.Settings), e.notification)
}

// Pause makes later runs claim no alerts, and waits until no send is in progress or ctx
// ends. Results are still recorded.
func (c *Dispatcher) Pause(ctx context.Context) {
	c.paused.Store(true)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for c.sending.Load() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Stop waits for sends in progress, cancels those that take long, and records the
// results. RunOnce must not run at the same time or afterwards.
func (c *Dispatcher) Stop(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	defer context.AfterFunc(patience, c.cancels.cancelAll)()
	c.sendGroup.Wait()
	recorded := c.completedResults()
	if len(recorded) == 0 {
		return nil
	}
	err := c.DB.Update(ctx, func(tx *store.Tx) error { return c.recordResults(tx, recorded, c.DB.Now()) })
	if err == nil {
		c.discardResults(recorded)
	}
	return err
}

// earliest returns the earlier of two moments, where zero means none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
