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

// ErrUnavailable says that the database could not be reached, or could not write.
// Asking again later may help.
var ErrUnavailable = store.ErrUnavailable

// Options are what a Desk works with.
type Options struct {
	DB *store.DB
	// Snapshot reads the clock and the register of pings on their way in one step. It
	// returns the moment, and as of when a heartbeat may be judged: just before
	// its oldest ping that this node has not stored yet. It may be nil where no
	// pings are taken.
	Snapshot func() (now time.Time, until func(id string) time.Time)
	// OnDue is called when something may now happen by itself at the given
	// moment, OnOwed when alerts became owed. Both are called after the commit,
	// must not block, and may be nil.
	OnDue     func(next time.Time)
	OnPending func()
	// OnChanged is called after the commit with the keys of heartbeats that look
	// different now. It must not block, and may be nil.
	OnChanged func(keys []int64)
	// SendTest sends a test alert through a channel now. It returns what the provider
	// answered, and the results of the attempt by recipient. The channel has its
	// settings in clear.
	SendTest func(ctx context.Context, p monitor.Project, c monitor.Channel) (client.TestResult, []monitor.DeliveryResult)
	// MaxHeartbeats is how many heartbeats a project may have; 0 is no limit.
	MaxHeartbeats int
}

// Service is where people's wishes are taken. It is safe for concurrent use.
type Service struct {
	db        *store.DB
	snapshot  func() (time.Time, func(string) time.Time)
	onDue     func(time.Time)
	onPending func()
	onChanged func([]int64)
	sendTest  func(context.Context, monitor.Project, monitor.Channel) (client.TestResult, []monitor.DeliveryResult)
	testLimit testLimiter

	maxHeartbeats int
}

// New returns a desk.
func New(o Options) *Service {
	d := &Service{db: o.DB, snapshot: o.Snapshot, onDue: o.OnDue, onPending: o.OnPending, onChanged: o.OnChanged, sendTest: o.SendTest, maxHeartbeats: o.MaxHeartbeats}
	if d.snapshot == nil {
		d.snapshot = func() (time.Time, func(string) time.Time) {
			now := currentTime()
			return now, func(string) time.Time { return now.Add(-monitor.Precision) }
		}
	}
	if d.onDue == nil {
		d.onDue = func(time.Time) {}
	}
	if d.onPending == nil {
		d.onPending = func() {}
	}
	if d.onChanged == nil {
		d.onChanged = func([]int64) {}
	}
	return d
}

// currentTime is the present moment in the precision that is stored.
func currentTime() time.Time { return time.Now().UTC().Truncate(monitor.Precision) }

// authorize returns a fault unless the actor has the right.
func authorize(a auth.Actor, r auth.Right) error {
	if a.May(r) {
		return nil
	}
	if a.Role == auth.Viewer && a.Person == "" {
		return monitor.Faultf(monitor.Forbidden, "", "%s may only read: use an API key that is read-write, or ask for the role member.", a.Name)
	}
	if a.Person != "" {
		return monitor.Faultf(monitor.Forbidden, "", "Your role in this project, %s, does not allow it.", a.Role)
	}
	return monitor.Faultf(monitor.Forbidden, "", "%s may not do this: ask an owner of the project.", a.Name)
}

// effects is what a change sets in motion.
type effects struct {
	nextDue          time.Time // when something happens by itself, zero when nothing does
	pending          bool      // alerts became owed
	changedHeartbeat int64     // key of the heartbeat that looks different now, 0 for none
}

// maxTransactionAttempts bounds how often a change is tried whose name somebody else took in
// the same moment. The second try sees the name that was taken.
const maxTransactionAttempts = 5

// update runs one transaction that may write, and nudges those whom it
// concerns once it is committed. fn may run again.
func (d *Service) update(ctx context.Context, fn func(tx *store.Tx) (effects, error)) error {
	var s effects
	var err error
	for range maxTransactionAttempts {
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
	if !s.nextDue.IsZero() {
		d.onDue(s.nextDue)
	}
	if s.pending {
		d.onPending()
	}
	if s.changedHeartbeat != 0 {
		d.onChanged([]int64{s.changedHeartbeat})
	}
	return nil
}

// auditEntry is one line of the audit log in the making.
type auditEntry struct {
	action string // such as findHeartbeat.create
	target string // what it was done to, for people
	detail string
}

// writeAudit writes a deed to the audit log.
func writeAudit(tx *store.Tx, a auth.Actor, now time.Time, d auditEntry) error {
	return tx.AddAuditEntry(a.Audit(now, d.action, d.target, d.detail))
}
