package deliver

import (
	"math/rand/v2"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// maxClaims is the maximum number of alerts that one run claims: the first of them must
// not wait until many others are claimed.
const maxClaims = 256

// claimDue claims due alerts of each channel while slots are free. next is when
// the next alert of a channel with a free slot is due, or the zero time if there
// is none.
func (c *Dispatcher) claimDue(tx *store.Tx, l slots, now time.Time) (deliveries []delivery, next time.Time, err error) {
	if c.paused.Load() {
		return nil, next, nil
	}
	pending, err := c.pendingChannels(tx, now)
	if err != nil {
		return nil, next, err
	}
	var due []store.PendingChannel
	for _, p := range pending {
		switch {
		case l.available(p.Channel, p.Kind, 0) <= 0: // a result wakes the loop, or the channel becomes slow
			if slow := l.slowFrom(p.Channel); slow.After(now) {
				next = earliest(next, slow)
			}
		case p.NextAttempt.After(now):
			next = earliest(next, p.NextAttempt)
		case p.Kind == store.CanaryKind:
			due = append([]store.PendingChannel{p}, due...)
		default:
			due = append(due, p)
		}
	}
	alerts, more, err := c.claimFrom(tx, due, l, now)
	if err != nil {
		return nil, next, err
	}
	deliveries, err = c.prepareAll(tx, alerts, threadChannels(due), now)
	if more || len(deliveries) < len(alerts) {
		next = now // a slot is still free
	}
	return deliveries, next, err
}

// claimFrom claims alerts of channels that are due. more means that slots are free and
// alerts may be due.
func (c *Dispatcher) claimFrom(tx *store.Tx, due []store.PendingChannel, l slots, now time.Time) (alerts []monitor.Alert, more bool, err error) {
	if len(due) == 0 {
		return nil, false, nil
	}
	// Random order: channels that hang hold their slots for long, and would
	// otherwise always come first. The canary stays first.
	others := due
	if due[0].Kind == store.CanaryKind {
		others = due[1:]
	}
	rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	share := max(1, maxClaims/len(due)) // of one channel
	for _, p := range due {
		if len(alerts) >= maxClaims {
			return alerts, true, nil
		}
		places := min(l.available(p.Channel, p.Kind, len(alerts)), share)
		if places <= 0 {
			continue
		}
		claim := c.claim
		if isGrouped(p.Kind) {
			claim = c.claimDecided
		}
		claimed, err := claim(tx, p.Channel, places, now)
		if err != nil {
			return nil, false, err
		}
		more = more || places == share && len(claimed) == places
		alerts = append(alerts, claimed...)
	}
	return alerts, more, nil
}

// claim claims alerts of one channel.
func (c *Dispatcher) claim(tx *store.Tx, channel string, places int, now time.Time) ([]monitor.Alert, error) {
	w := c.window(channel)
	w.usedAt = now
	if places == 1 {
		w.claims++
		if w.claims%oldestShare == 0 {
			return tx.ClaimLongestDue(channel, c.Node, now, now.Add(leaseDuration), places)
		}
	}
	return tx.Claim(channel, c.Node, now, now.Add(leaseDuration), places)
}

// claimDecided claims alerts of a channel whose alerts are grouped.
func (c *Dispatcher) claimDecided(tx *store.Tx, channel string, places int, now time.Time) ([]monitor.Alert, error) {
	c.window(channel).usedAt = now
	return tx.ClaimDecided(channel, c.Node, now, now.Add(leaseDuration), places)
}

// prepareAll reads what is needed to send the alerts.
func (c *Dispatcher) prepareAll(tx *store.Tx, alerts []monitor.Alert, threaded map[string]bool, now time.Time) ([]delivery, error) {
	facts, err := c.readFacts(tx, alerts, threaded)
	if err != nil {
		return nil, err
	}
	var deliveries []delivery
	for _, a := range alerts {
		if c.poisoned[a.ID] {
			if err := tx.Reschedule(a, now.Add(time.Minute), time.Time{}); err != nil {
				return nil, err
			}
			continue
		}
		e, ok, err := c.prepare(tx, facts, a, now)
		if err != nil {
			return nil, poisonedError{a.ID, err}
		}
		if ok {
			deliveries = append(deliveries, e)
		}
	}
	return deliveries, nil
}

// facts are the rows that several alerts of a run have in common.
type facts struct {
	channels   map[string]monitor.Channel
	projects   map[int64]monitor.Project
	heartbeats map[int64]monitor.Heartbeat
	incidents  map[string]monitor.Incident
	outputs    map[int64]bool // heartbeats whose newest ping can have a body; nil: not known
	threads    threads
	known      outputs // by incident, which need not be read
}

// readFacts reads the heartbeats and incidents of alerts. threaded are the channels whose messages
// form threads.
func (c *Dispatcher) readFacts(tx *store.Tx, alerts []monitor.Alert, threaded map[string]bool) (f facts, err error) {
	f = facts{channels: map[string]monitor.Channel{}, projects: map[int64]monitor.Project{}}
	var keys []int64
	var incidents, ofThreads []string
	for _, a := range alerts {
		if c.poisoned[a.ID] {
			continue
		}
		if a.Heartbeat > 0 {
			keys = append(keys, a.Heartbeat)
		}
		if a.Incident != "" {
			incidents = append(incidents, a.Incident)
			if threaded[a.Channel] && a.Event != monitor.IncidentOpened {
				ofThreads = append(ofThreads, a.Incident)
			}
		}
	}
	if c.oneByOne {
		return f, nil // prepare reads them
	}
	if len(keys) > 0 {
		if f.heartbeats, err = tx.HeartbeatsOfAlerts(keys); err != nil {
			return f, err
		}
	}
	if len(incidents) == 0 {
		return f, nil
	}
	if f.incidents, err = tx.IncidentsOfAlerts(incidents); err == nil {
		f.outputs, err = tx.HeartbeatsWithOutput(keys)
	}
	if err == nil {
		f.threads, err = readThreads(tx, ofThreads)
	}
	return f, err
}

// mayHaveOutput reports whether the newest ping of a heartbeat can have a body.
func (f facts) mayHaveOutput(heartbeat int64) bool { return f.outputs == nil || f.outputs[heartbeat] }

// channel returns the channel of an alert.
func (f facts) channel(tx *store.Tx, a monitor.Alert) (monitor.Channel, error) {
	if c, found := f.channels[a.Channel]; found {
		return c, nil
	}
	c, err := tx.Channel(a.Project, a.Channel)
	if err == nil {
		f.channels[a.Channel] = c
	}
	return c, err
}

// project returns the project of an alert.
func (f facts) project(tx *store.Tx, a monitor.Alert) (monitor.Project, error) {
	if p, found := f.projects[a.Project]; found {
		return p, nil
	}
	p, err := tx.Project(a.Project)
	if err == nil {
		f.projects[a.Project] = p
	}
	return p, err
}

// heartbeat returns the heartbeat of an alert.
func (f facts) heartbeat(tx *store.Tx, a monitor.Alert) (monitor.Heartbeat, error) {
	if h, found := f.heartbeats[a.Heartbeat]; found {
		return h, nil
	}
	return tx.HeartbeatByKey(a.Heartbeat)
}

// incident returns the incident of an alert.
func (f facts) incident(tx *store.Tx, a monitor.Alert) (monitor.Incident, error) {
	if i, found := f.incidents[a.Incident]; found && i.Project == a.Project {
		return i, nil
	}
	return tx.Incident(a.Project, a.Incident)
}
