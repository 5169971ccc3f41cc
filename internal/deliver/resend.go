package deliver

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// Limits of sending open incidents again.
const (
	resendBatch       = 500              // incidents that are read and sent together
	resendTimeout     = 10 * time.Second // of one channel in one run
	maxResendChannels = 16               // channels that are sent to at a time
	// resolvedResendFor is the time for which a resolved incident is still sent: a request that was under way during the
	// resolution can make its alert active again for 5 minutes.
	resolvedResendFor = 6 * time.Minute
)

// ResendFunc sends open incidents again through a channel of the given kind. Its errors are *notify.SendError.
type ResendFunc func(ctx context.Context, kind string, set setting.Values, all []message.Notification, now time.Time) (notify.Receipt, error)

// Resender sends open incidents again to receivers that forget them, such as Alertmanager. It changes no alert in the
// outbox: only incidents whose opening was delivered are sent again.
//
//	every minute: channels of such kinds ──▶ those of this node ──▶ incidents by 500 ──▶ one request each
//
// Each channel belongs to one live node, so several nodes send no more than one. While nodes start or die, two may send
// the same, which is harmless: the requests describe states.
type Resender struct {
	Dispatcher *Dispatcher // writes the notifications
	Send       ResendFunc
	Kinds      []notify.Kind // those with ResendEvery

	failures map[string]int       // consecutive failed runs, by channel; only used by RunOnce
	resumeAt map[string]time.Time // when the receiver asked to be sent to again; only used by RunOnce
	outputs  map[string]outputs   // of the incidents of a channel; only used by RunOnce
	// unfinished are the last incidents of runs that ended early, by channel: the next run starts after them, so that
	// the last incidents get their turn. Only used by RunOnce.
	unfinished map[string]string
}

// RunOnce sends the open incidents of the channels of this node. It returns how long to wait.
func (r *Resender) RunOnce(ctx context.Context, now time.Time) (time.Duration, error) {
	every, kinds := time.Hour, []string{}
	for _, k := range r.Kinds {
		every, kinds = min(every, k.ResendEvery), append(kinds, k.Name)
	}
	if r.Send == nil || len(kinds) == 0 || r.Dispatcher.paused.Load() {
		return every, nil
	}
	if r.failures == nil {
		r.failures, r.resumeAt, r.outputs, r.unfinished = map[string]int{}, map[string]time.Time{}, map[string]outputs{}, map[string]string{}
	}
	var channels []monitor.Channel
	var nodes []store.Node
	err := r.Dispatcher.DB.View(ctx, func(tx *store.Tx) (err error) {
		if channels, err = tx.ChannelsOfKinds(kinds); err != nil || len(channels) == 0 {
			return err
		}
		nodes, err = tx.Nodes(now)
		return err
	})
	if err != nil {
		return 0, err
	}
	var due []monitor.Channel
	for _, c := range channels {
		if ownerOf(c.ID, nodes, r.Dispatcher.Node) == r.Dispatcher.Node && !now.Before(c.PausedUntil) && !now.Before(r.resumeAt[c.ID]) {
			due = append(due, c)
		}
	}
	return every, r.record(ctx, due, r.sendAll(ctx, due, now), now)
}

// ownerOf returns the node that sends to a channel: the one with the highest hash, so the channels are spread, and the
// channels of a node that dies are spread over the others.
func ownerOf(channel string, nodes []store.Node, own string) string {
	owner, highest := own, rank(channel, own)
	for _, n := range nodes {
		if h := rank(channel, n.ID); n.Alive && h > highest {
			owner, highest = n.ID, h
		}
	}
	return owner
}

// rank is the hash of a channel and a node.
func rank(channel, node string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(node + "\x00" + channel)) // never fails
	return h.Sum64()
}

// resendResult is the result of one channel in one run.
type resendResult struct {
	sent    bool // there was something to send
	last    string
	outputs outputs
	err     error
}

// sendAll sends to several channels at a time: one that hangs delays no other.
func (r *Resender) sendAll(ctx context.Context, channels []monitor.Channel, now time.Time) []resendResult {
	results := make([]resendResult, len(channels))
	places := make(chan struct{}, maxResendChannels)
	var group sync.WaitGroup
	for i, c := range channels {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			defer func() {
				if caught := recover(); caught != nil {
					r.Dispatcher.Log.Error("delivery panicked", "component", "deliver", "channel", c.ID, "panic", caught, "stack", string(debug.Stack()))
					results[i].err = &notify.SendError{Reason: "Overdue could not render the open incidents; see its log."}
				}
			}()
			ctx, cancel := context.WithTimeout(ctx, resendTimeout)
			defer cancel()
			r.sendChannel(ctx, c, &results[i], now)
		})
	}
	group.Wait()
	return results
}

// sendChannel sends the open incidents of one channel, and those that were resolved a short time ago. Each batch is
// read just before it is sent.
func (r *Resender) sendChannel(ctx context.Context, c monitor.Channel, result *resendResult, now time.Time) {
	var all []store.NotifiedIncident
	var project monitor.Project
	result.err = r.Dispatcher.DB.View(ctx, func(tx *store.Tx) (err error) {
		if all, err = tx.NotifiedIncidents(c, now.Add(-resolvedResendFor)); err != nil || len(all) == 0 {
			return err
		}
		project, err = tx.Project(c.Project)
		return err
	})
	result.outputs, result.last = r.outputs[c.ID], r.unfinished[c.ID]
	if result.err != nil {
		return
	}
	all = startAfter(all, r.unfinished[c.ID])
	result.outputs = r.outputs[c.ID].keep(all)
	var rejected error
	for len(all) > 0 {
		some := all[:min(resendBatch, len(all))]
		var batch []message.Notification
		result.err = r.Dispatcher.DB.View(ctx, func(tx *store.Tx) (err error) {
			batch, err = r.notifications(tx, c, project, some, result.outputs, now)
			return err
		})
		if result.err != nil {
			return
		}
		_, result.err = r.Send(ctx, c.Kind, setting.Values(c.Settings), batch, now)
		if failure, failed := SendErrorOf(result.err); failed && !failure.Permanent {
			return
		} else if failed {
			rejected = failure // a receiver that rejects a batch gets the others
		}
		result.sent, result.last = true, some[len(some)-1].ID
		all = all[len(some):]
	}
	result.last, result.err = "", rejected
}

// startAfter returns the incidents in the order of their ids, from the one after last.
func startAfter(all []store.NotifiedIncident, last string) []store.NotifiedIncident {
	slices.SortFunc(all, func(a, b store.NotifiedIncident) int { return cmp.Compare(a.ID, b.ID) })
	start, found := slices.BinarySearchFunc(all, last, func(i store.NotifiedIncident, id string) int { return cmp.Compare(i.ID, id) })
	if found {
		start++
	}
	return slices.Concat(all[start:], all[:start])
}

// outputs are the outputs of the jobs of incidents, by incident. They do not change, and reading them takes a query
// for each.
type outputs map[string]output

// output is the end of an output.
type output struct {
	text string
	exit *int
}

// maxKeptOutput is the number of bytes of an output that are kept: a message does not show more.
const maxKeptOutput = 2100

// keep returns the outputs of incidents that are still sent.
func (o outputs) keep(all []store.NotifiedIncident) outputs {
	kept := outputs{}
	for _, i := range all {
		if text, known := o[i.ID]; known {
			kept[i.ID] = text
		}
	}
	return kept
}

// add keeps the output of an incident.
func (o outputs) add(n message.Notification) {
	text := strings.ToValidUTF8(n.Output[max(0, len(n.Output)-maxKeptOutput):], "")
	o[n.ThreadID] = output{strings.Clone(text), n.ExitCode}
}

// notifications returns the notifications of incidents as they are now.
func (r *Resender) notifications(tx *store.Tx, c monitor.Channel, project monitor.Project, some []store.NotifiedIncident, known outputs, now time.Time) ([]message.Notification, error) {
	d := &Dispatcher{DB: r.Dispatcher.DB, Base: r.Dispatcher.Base, AckURL: r.Dispatcher.AckURL} // RunOnce uses the other one
	alerts := make([]monitor.Alert, len(some))
	for i, n := range some {
		alerts[i] = monitor.Alert{Project: c.Project, Channel: c.ID, Heartbeat: n.Heartbeat, Incident: n.ID}
	}
	f, err := d.readFacts(tx, alerts, nil)
	if err != nil {
		return nil, err
	}
	f.known = known
	all := make([]message.Notification, 0, len(alerts))
	for _, a := range alerts {
		i, err := f.incident(tx, a)
		if isNotFound(err) {
			continue // deleted since the list was read
		}
		if err != nil {
			return nil, err
		}
		switch i.State() {
		case monitor.StateOpen:
			a.Event, a.Created = monitor.IncidentOpened, i.OpenedAt
		case monitor.StateAcknowledged:
			a.Event, a.Created, a.Subject = monitor.IncidentAcknowledged, i.AcknowledgedAt, i.AcknowledgedBy
		default:
			a.Event, a.Created = monitor.IncidentResolved, i.ResolvedAt
		}
		e := delivery{alert: a, channel: c, notification: d.newNotification(a, c, project)}
		if err := d.addHeartbeat(tx, f, &e, now); err != nil {
			return nil, err
		}
		if _, err := d.addIncident(tx, f, &e, now); err != nil {
			return nil, err
		}
		if a.Event != monitor.IncidentResolved {
			known.add(e.notification)
		}
		if err := e.redactIDs(tx); err != nil {
			return nil, err
		}
		all = append(all, e.notification)
	}
	return all, nil
}

// record stores whether the channels work: a receiver that has forgotten the open incidents shows that nothing is
// wrong, so its failure is announced like that of any alert. An error of the database is not an error of the channel.
func (r *Resender) record(ctx context.Context, channels []monitor.Channel, results []resendResult, now time.Time) error {
	var database error
	for i, c := range channels {
		r.outputs[c.ID], r.unfinished[c.ID] = results[i].outputs, results[i].last
		failure, failed := errors.AsType[*notify.SendError](results[i].err)
		switch {
		case failed && ctx.Err() == nil:
			r.failures[c.ID]++
			r.resumeAt[c.ID] = retryAfterTime(failure, now)
		case results[i].err != nil:
			database = errors.Join(database, results[i].err)
			continue
		case !results[i].sent:
			continue
		default:
			delete(r.failures, c.ID)
			delete(r.resumeAt, c.ID)
		}
		err := r.Dispatcher.DB.Update(ctx, func(tx *store.Tx) error {
			return tx.RecordDelivery(c.ID, Results(notify.Receipt{}, results[i].err), true, r.failures[c.ID], now)
		})
		if err != nil {
			return err
		}
	}
	return database
}
