package monitor

import (
	"fmt"
	"time"
)

// FlappingWindow is the time in which changes are counted, and for which a heartbeat that flaps must
// be stable.
const FlappingWindow = 30 * time.Minute

// maxChanges is the number of changes in FlappingWindow that a heartbeat can have without flapping.
const maxChanges = 6

// maxRememberedChanges is the maximum number of changes that are stored. More than maxChanges are
// counted if the flapping could not begin with the seventh one.
const maxRememberedChanges = 30

// FlappingAlerts says whether the alerts of a heartbeat that flaps wait. The values are part of the
// API.
type FlappingAlerts string

// The values of FlappingAlerts.
const (
	FlappingHold FlappingAlerts = "hold" // the default
	FlappingSend FlappingAlerts = "send"
)

// Flapping is how often a heartbeat opened incidents and recovered lately. Each opening and each
// recovery is a change.
//
//	steady ── an opening that is more than the sixth change in 30 min ──▶ flaps
//	flaps  ── no change for 30 min; or a user ended its incident ───────▶ steady
//
// The opening that begins it is announced, with the number of changes. Then alerts about later
// changes wait until the last change is 30 min ago:
//
//	opening, reminder      wait; they are deleted if the incident ends
//	recovery               waits: of the incident that was announced, it says that the job is stable
//	late                   is left out
//
// So the silence has a bound: a failure that lasts is announced 30 min after it opened, and every
// channel that waits was sent the alert that says that the heartbeat flaps. It begins with an opening and not with a
// recovery, so that an incident is open for receivers as long as they hear nothing.
type Flapping struct {
	Changes []time.Time // in the 30 min before the last one, oldest first
	Since   time.Time   // when the incident opened with which it began to flap, zero if it is steady
	Started int         // changes in 30 min when it began
	Total   int         // changes so far, with these
}

// Until returns when the heartbeat is stable if nothing changes, zero if it does not flap.
func (f Flapping) Until() time.Time {
	if f.Since.IsZero() {
		return time.Time{}
	}
	return f.last().Add(FlappingWindow)
}

// last returns the time of the last change, zero if there was none lately.
func (f Flapping) last() time.Time {
	if len(f.Changes) == 0 {
		return time.Time{}
	}
	return f.Changes[len(f.Changes)-1]
}

// add returns the state after a change. begins means that the change can begin the flapping.
func (f Flapping) add(at time.Time, begins bool) Flapping {
	at = laterOf(at, f.last())
	next := Flapping{}
	if at.Before(f.Until()) {
		next.Since, next.Started, next.Total = f.Since, f.Started, f.Total+1
	}
	for _, t := range f.Changes {
		if t.After(at.Add(-FlappingWindow)) {
			next.Changes = append(next.Changes, t)
		}
	}
	next.Changes = append(next.Changes, at)
	next.Changes = next.Changes[max(0, len(next.Changes)-maxRememberedChanges):]
	if n := len(next.Changes); begins && next.Since.IsZero() && n > maxChanges {
		next.Since, next.Started, next.Total = at, n, n
	}
	return next
}

// AfterChange returns how the heartbeat flaps after a change. It does not begin while nothing would be
// held back, or while a mute would hide its announcement. An incident that a user ended, by an edit
// or a pause, is no sign of a job that fails and recovers.
func (h Heartbeat) AfterChange(c Change, now time.Time) Flapping {
	f := h.Flapping
	if h.FlappingAlerts == FlappingSend {
		f.Since, f.Started, f.Total = time.Time{}, 0, 0
	}
	if c.Opened != nil {
		f = f.add(c.Opened.At, h.FlappingAlerts != FlappingSend && !h.Muted(now))
	}
	if c.Resolved == nil {
		return f
	}
	if c.Resolved.Reason != ResolvedByPing {
		return Flapping{}
	}
	return f.add(c.Resolved.At, false)
}

// Flaps reports whether alerts of the heartbeat are held back at now because it flaps. A change in the
// future is from a clock that was set back, and holds nothing back.
func (h Heartbeat) Flaps(now time.Time) bool {
	f := h.Flapping
	return !f.Since.IsZero() && h.FlappingAlerts != FlappingSend && now.Before(f.Until()) && !f.last().After(now.Add(time.Minute))
}

// FlappingHolds reports whether an alert that was never attempted waits at now because the heartbeat
// flaps. i is its incident. Alerts about the incident that announced the flapping are sent,
// except its recovery.
func (h Heartbeat) FlappingHolds(e Event, i Incident, now time.Time) bool {
	if !h.Flaps(now) {
		return false
	}
	switch e {
	case IncidentOpened, IncidentReminder:
		return i.OpenedAt.After(h.Flapping.Since)
	case IncidentResolved:
		return i.Resolution == ResolvedByPing && i.ResolvedAt.After(h.Flapping.Since)
	}
	return e == HeartbeatLate
}

// ExplainFlappingIn returns what the alert about an incident with which the heartbeat began to flap
// says about that, "" for other alerts.
func (h Heartbeat) ExplainFlappingIn(e Event, i Incident) string {
	f := h.Flapping
	switch {
	case f.Since.IsZero() || !i.OpenedAt.Equal(f.Since):
		return ""
	case e == IncidentOpened:
		return f.ExplainFlappingStart()
	case e == IncidentResolved && f.Total > f.Started:
		return fmt.Sprintf("The heartbeat flapped: %d changes until it was stable for 30 min.", f.Total)
	}
	return ""
}

// applyFlapping returns those of the alerts of a change that are sent, with their times. i is the
// incident after the change.
func (h Heartbeat) applyFlapping(alerts []Alert, change Change, i Incident, now time.Time) []Alert {
	if !h.Flaps(now) || len(alerts) == 0 {
		return alerts
	}
	if o := change.Opened; o != nil {
		i.OpenedAt = o.At
	}
	if r := change.Resolved; r != nil {
		i.ResolvedAt, i.Resolution = r.At, r.Reason
	}
	over := change.Opened != nil && change.Resolved != nil && h.FlappingHolds(IncidentOpened, i, now)
	sent := alerts[:0]
	for _, a := range alerts {
		switch {
		case a.Event == HeartbeatLate, over && a.Incident != "":
			continue
		case h.FlappingHolds(a.Event, i, now):
			from := now
			if h.Mutes(a.Event, now) {
				from = h.MutedUntil // it waits for that already
			}
			if until := h.Flapping.Until(); until.After(from) {
				a = a.HeldUntil(until, from)
			}
		}
		sent = append(sent, a)
	}
	return sent
}

// ExplainFlapping describes why alerts wait at now, or returns "" if the heartbeat does not flap.
func (h Heartbeat) ExplainFlapping(now time.Time) string {
	if !h.Flaps(now) {
		return ""
	}
	return fmt.Sprintf("the heartbeat flaps: %d changes since %s. Alerts wait until it has been stable for 30 min, at %s if nothing changes",
		h.Flapping.Total, formatTime(h.Flapping.Since), formatTime(h.Flapping.Until()))
}

// ExplainFlappingHold describes why an alert waits, for a timeline.
const ExplainFlappingHold = "alerts wait until the heartbeat, which flaps, has been stable for 30 min"

// ExplainFlappingStart describes that the heartbeat began to flap.
func (f Flapping) ExplainFlappingStart() string {
	return fmt.Sprintf("The heartbeat flaps: %d changes in 30 min. Alerts about further changes wait until it has been stable for 30 min.", f.Started)
}
