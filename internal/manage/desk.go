package manage

import (
	"context"
	"errors"
	"time"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// ErrAway says that the database could not be reached, or could not write.
// Asking again later may help.
var ErrAway = store.ErrAway

// Options are what a Desk works with.
type Options struct {
	DB *store.DB
	// Cut reads the clock and the register of pings on their way in one step. It
	// returns the moment, and as of when a heartbeat may be judged: just before
	// its oldest ping that this node has not stored yet. It may be nil where no
	// pings are taken.
	Cut func() (now time.Time, until func(id string) time.Time)
	// OnChange is called when something may now happen by itself at the given
	// moment, OnOwed when alerts became owed. Both are called after the commit,
	// must not block, and may be nil.
	OnChange func(next time.Time)
	OnOwed   func()
	// OnTouched is called after the commit with the keys of heartbeats that look
	// different now. It must not block, and may be nil.
	OnTouched func(keys []int64)
	// Test sends a test alert through a channel now. It returns what the provider
	// answered, and the results of the attempt by recipient. The channel has its
	// settings in clear.
	Test func(ctx context.Context, p monitor.Project, c monitor.Channel) (client.TestResult, []monitor.DeliveryResult)
	// MaxHeartbeats is how many heartbeats a project may have; 0 is no limit.
	MaxHeartbeats int
}

// Desk is where people's wishes are taken. It is safe for concurrent use.
type Desk struct {
	db        *store.DB
	cut       func() (time.Time, func(string) time.Time)
	onChange  func(time.Time)
	onOwed    func()
	onTouched func([]int64)
	test      func(context.Context, monitor.Project, monitor.Channel) (client.TestResult, []monitor.DeliveryResult)
	tests     testLimit

	maxHeartbeats int
}

// New returns a desk.
func New(o Options) *Desk {
	d := &Desk{db: o.DB, cut: o.Cut, onChange: o.OnChange, onOwed: o.OnOwed, onTouched: o.OnTouched, test: o.Test, maxHeartbeats: o.MaxHeartbeats}
	if d.cut == nil {
		d.cut = func() (time.Time, func(string) time.Time) {
			now := stamp()
			return now, func(string) time.Time { return now.Add(-monitor.Tick) }
		}
	}
	if d.onChange == nil {
		d.onChange = func(time.Time) {}
	}
	if d.onOwed == nil {
		d.onOwed = func() {}
	}
	if d.onTouched == nil {
		d.onTouched = func([]int64) {}
	}
	return d
}

// stamp is the present moment in the precision that is stored.
func stamp() time.Time { return time.Now().UTC().Truncate(monitor.Tick) }

// may returns a fault unless the actor has the right.
func may(a auth.Actor, r auth.Right) error {
	if a.May(r) {
		return nil
	}
	if a.Role == auth.Viewer && a.Person == "" {
		return monitor.Wrong(monitor.Forbidden, "", "%s may only read: use an API key that is read-write, or ask for the role member.", a.Name)
	}
	if a.Person != "" {
		return monitor.Wrong(monitor.Forbidden, "", "Your role in this project, %s, does not allow it.", a.Role)
	}
	return monitor.Wrong(monitor.Forbidden, "", "%s may not do this: ask an owner of the project.", a.Name)
}

// stir is what a change sets in motion.
type stir struct {
	next    time.Time // when something happens by itself, zero when nothing does
	owed    bool      // alerts became owed
	touched int64     // key of the heartbeat that looks different now, 0 for none
}

// mostTries bounds how often a change is tried whose name somebody else took in
// the same moment. The second try sees the name that was taken.
const mostTries = 5

// change runs one transaction that may write, and nudges those whom it
// concerns once it is committed. fn may run again.
func (d *Desk) change(ctx context.Context, fn func(tx *store.Tx) (stir, error)) error {
	var s stir
	var err error
	for range mostTries {
		err = d.db.Update(ctx, func(tx *store.Tx) (err error) {
			s, err = fn(tx)
			return err
		})
		if !errors.Is(err, store.ErrTaken) {
			break
		}
	}
	if err != nil {
		return err
	}
	if !s.next.IsZero() {
		d.onChange(s.next)
	}
	if s.owed {
		d.onOwed()
	}
	if s.touched != 0 {
		d.onTouched([]int64{s.touched})
	}
	return nil
}

// deed is one line of the audit log in the making.
type deed struct {
	action string // such as heartbeat.create
	target string // what it was done to, for people
	detail string
}

// note writes a deed to the audit log.
func note(tx *store.Tx, a auth.Actor, now time.Time, d deed) error {
	return tx.Audit(a.Audit(now, d.action, d.target, d.detail))
}
