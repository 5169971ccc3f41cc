// Package manage reads and changes everything that people and programs manage. It is the only place
// that decides who may do what and which values are valid; the API and the pages both use it.
//
//	API or page ──▶ Service.ChangeHeartbeat(ctx, actor, id, edit)
//	                  does the actor have the right?   *monitor.Fault, Forbidden
//	                  is every value valid?            monitor.Faults, all of them at once
//	                  ┌──────── one transaction ────────┐
//	                  │ monitor decides what changes    │
//	                  │ heartbeat, incident, audit log  │
//	                  └─────────────────────────────────┘
//	                  wake watch, deliver and open pages (Signals)
//
// It returns values of the domain and does not know how an answer looks. It never receives pings and
// never delivers alerts.
//
// Invariants:
//
//   - An actor sees and changes only the project that the actor belongs to; other projects do not
//     exist for the actor.
//   - Values for an actor without the right to see them contain no heartbeat ids, which give the right
//     to ping, and no secrets of channels.
//   - Every change writes the audit log in its own transaction.
//   - A change without an effect writes nothing, so it is safe to repeat.
//   - The clock is read once per call.
//
// [HeartbeatFields] is the one table of the settings of a heartbeat.
package manage

import (
	"context"
	"errors"
	"time"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/loop"
	"overdue/internal/monitor"
	"overdue/internal/notify/setting"
	"overdue/internal/ratelimit"
	"overdue/internal/store"
)

// ErrUnavailable reports that the database is unavailable or cannot write. It is retryable.
var ErrUnavailable = store.ErrUnavailable

// Options configures a [Service].
type Options struct {
	DB *store.DB
	// Snapshot reads the clock and the pings in flight in one step. It returns the time,
	// and the watermark of a heartbeat: every ping that this node received up to then is
	// stored. It may be nil if this process receives no pings.
	Snapshot func() (now time.Time, until func(id string) time.Time)
	// Signals wake the loops and the open pages after a commit.
	Signals loop.Signals
	// SendTest sends a test alert through a channel. It returns the provider's answer and
	// the result for each recipient, and settings that the service changed. The settings of
	// the channel are in plain text.
	SendTest func(ctx context.Context, p monitor.Project, c monitor.Channel) (client.TestResult, []monitor.DeliveryResult, setting.Values)
	// CheckHere returns what prevents this server from using valid settings of a kind. Nil: nothing does.
	CheckHere func(kind string, set setting.Values) []setting.Problem
	// UnavailableKinds are the kinds of channel that the configuration of the server turns off,
	// with the reason: "Needs --exec-dir."
	UnavailableKinds map[string]string
	// MaxHeartbeats is the maximum number of heartbeats of a project; 0 means no limit.
	MaxHeartbeats int
}

// Service reads and changes everything that people and programs manage. It is safe for
// concurrent use.
type Service struct {
	db        *store.DB
	snapshot  func() (time.Time, func(string) time.Time)
	signals   loop.Signals
	sendTest  func(context.Context, monitor.Project, monitor.Channel) (client.TestResult, []monitor.DeliveryResult, setting.Values)
	testLimit *ratelimit.Limiter
	checkHere func(string, setting.Values) []setting.Problem

	unavailableKinds map[string]string
	maxHeartbeats    int
}

// KindUnavailable returns why the server offers no channels of a kind, or "".
func (svc *Service) KindUnavailable(kind string) string { return svc.unavailableKinds[kind] }

// Retention returns how long the server keeps the history.
func (svc *Service) Retention() monitor.Retention { return svc.db.Retention() }

// New returns a service with the given options.
func New(o Options) *Service {
	svc := &Service{db: o.DB, snapshot: o.Snapshot, signals: o.Signals, testLimit: ratelimit.NewLimiter(time.Minute/testAlertsPerMinute, testAlertsPerMinute), sendTest: o.SendTest, checkHere: o.CheckHere, maxHeartbeats: o.MaxHeartbeats, unavailableKinds: o.UnavailableKinds}
	if svc.snapshot == nil {
		svc.snapshot = func() (time.Time, func(string) time.Time) {
			now := svc.currentTime()
			return now, func(string) time.Time { return now.Add(-monitor.Precision) }
		}
	}
	return svc
}

// currentTime returns the current time, on which all nodes agree, in the precision that
// the store keeps.
func (svc *Service) currentTime() time.Time { return svc.Now().Truncate(monitor.Precision) }

// Now returns the current time, on which all nodes agree.
func (svc *Service) Now() time.Time {
	if svc.db == nil { // a preview of a schedule needs no database
		return time.Now().UTC()
	}
	return svc.db.Now()
}

// Node describes one node of the server.
type Node = store.Node

// Nodes returns the nodes of the server, oldest first. They are not of one project.
func (svc *Service) Nodes(ctx context.Context, a auth.Actor) (page ListPage[Node], err error) {
	if err := authorize(a, auth.SeeNodes); err != nil {
		return page, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) (err error) {
		page.Items, err = tx.Nodes(svc.db.Now())
		return err
	})
	return page, err
}

// authorize returns a Forbidden fault if the actor does not have the right.
func authorize(a auth.Actor, r auth.Right) error {
	if a.May(r) {
		return nil
	}
	if a.Role == auth.Viewer && a.Person == "" {
		return monitor.Faultf(monitor.Forbidden, "", "%s is read-only: use a read-write API key.", a.Name)
	}
	if a.Person != "" {
		return monitor.Faultf(monitor.Forbidden, "", "Your role in this project, %s, does not allow this: ask an owner of the project.", a.Role)
	}
	return monitor.Faultf(monitor.Forbidden, "", "%s cannot do this: ask an owner of the project.", a.Name)
}

// effects contains the actions that follow the commit of a change.
type effects struct {
	nextDue          time.Time // next timed event of the changed heartbeat, zero if there is none
	pending          bool      // alerts were enqueued
	changedHeartbeat int64     // key of the heartbeat that looks different now, 0 for none
	changed          []int64   // keys of more of them
}

// maxTransactionAttempts is the maximum number of attempts of a change whose slug another
// transaction took at the same time. The second attempt sees the taken slug.
const maxTransactionAttempts = 5

// update runs a transaction that may write. After the commit it wakes the loops that the
// effects concern. fn may run more than once.
func (svc *Service) update(ctx context.Context, fn func(tx *store.Tx) (effects, error)) error {
	var s effects
	var err error
	for range maxTransactionAttempts {
		err = svc.db.Update(ctx, func(tx *store.Tx) (err error) {
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
	changed := loop.Effects{NextDue: s.nextDue, Pending: s.pending, Changed: s.changed}
	if s.changedHeartbeat != 0 {
		changed.Changed = append(changed.Changed, s.changedHeartbeat)
	}
	svc.signals.Send(changed)
	return nil
}

// auditEntry is a new entry of the audit log.
type auditEntry struct {
	action string // for example heartbeat.create
	target string // what was changed, for people
	detail string
}

// writeAudit adds an entry to the audit log.
func writeAudit(tx *store.Tx, a auth.Actor, now time.Time, d auditEntry) error {
	return tx.AddAuditEntry(a.Audit(now, d.action, d.target, d.detail))
}

// reauthorize checks the right again inside the transaction and returns the actor with the
// current role. It locks the members of the project and the session of the actor until the
// transaction ends: since the request was authenticated, the session may have ended or the
// role may be lower.
func reauthorize(tx *store.Tx, a auth.Actor, right auth.Right, now time.Time) (auth.Actor, error) {
	if err := tx.LockProject(a.Project.Key); err != nil {
		return a, err
	}
	if a.Person == "" {
		return a, authorize(a, right)
	}
	if a.Session != "" {
		if _, err := auth.StillSignedIn(tx, a.Person, a.Session, now); err != nil {
			return a, err
		}
	}
	role, err := tx.MemberRole(a.Project.Key, a.Person)
	if err != nil {
		return a, err
	}
	a.Role = role
	return a, authorize(a, right)
}

// Limits of what one role can create. They are far above what people need, and prevent one
// account or key from filling the database. The limit of heartbeats is a setting, see
// [Options].
const (
	maxKeys          = 200   // active API keys of a project
	maxChannels      = 200   // channels of a project
	maxOwnedProjects = 100   // projects that a person owns
	maxNotes         = 1_000 // notes on an incident
)

// limitReached returns the fault of a reached maximum. advice says what to do.
func limitReached(field string, max int, things, advice string) error {
	return monitor.Faultf(monitor.Conflict, field, "There are already %d %s, the maximum. %s", max, things, advice)
}

// checkHeartbeatLimit returns a fault if the actor's project has the maximum number of
// heartbeats.
func (svc *Service) checkHeartbeatLimit(tx *store.Tx, a auth.Actor) error {
	if svc.maxHeartbeats <= 0 {
		return nil
	}
	n, err := tx.CountHeartbeats(a.Project.Key)
	if err == nil && n >= svc.maxHeartbeats {
		err = limitReached("name", svc.maxHeartbeats, "heartbeats in this project",
			"Delete one that is no longer needed, or ask the operator to raise --max-heartbeats.")
	}
	return err
}
