package monitor

import "time"

// Tick is the smallest step of time that is told apart.
const Tick = time.Microsecond

// Change is what one judgement did to a heartbeat. The zero Change did nothing.
type Change struct {
	Ping     Ping        // as it is to be kept, when the change came from a ping
	Late     time.Time   // when it became late, zero unless it did and still is
	Opened   *Opening    // the incident that began
	Resolved *Resolution // the incident that ended
	Failed   bool        // a further failure, while the incident was open already
}

// Opening is how an incident began.
type Opening struct {
	Cause   Cause
	At      time.Time // dated at the deadline, whenever it was noticed
	Due     time.Time // what was expected, zero when nothing was
	Last    time.Time // the last ping before it, zero when none had come
	Because string    // the arithmetic, in a sentence
	Ping    int64     // the ping that reported the failure, 0 when none did
}

// Resolution is how an incident ended.
type Resolution struct {
	How      Ending
	At       time.Time
	Incident string // its id, empty when it opened in the same change
}

// News reports whether there is something that people may have to be told.
func (c Change) News() bool {
	return c.Opened != nil || c.Resolved != nil || c.Failed || !c.Late.IsZero()
}

// Hear returns the heartbeat after a ping.
//
// What lapsed before the ping arrived is noted first, so that the outcome does
// not depend on how often somebody looked; but nothing is noted from horizon
// on: before it, and only before it, every accepted ping is known to be stored.
func (h Heartbeat) Hear(p Ping, horizon time.Time) (Heartbeat, Change) {
	if h.Rule.Methods == PostOnly && p.Method != "POST" {
		p.Kind = Ignored
	}
	h.Pings++
	p.N = h.Pings
	if !p.judged() {
		return h, Change{Ping: p}
	}
	before := p.At
	if horizon.Before(before) {
		before = horizon
	}
	stale := h.stale(p)
	var change Change
	if !stale {
		h, change = h.Lapse(before.Add(-Tick))
	}
	if p.finishes() {
		h.Runs, p.RunTime, p.HasRun = finish(h.Runs, p)
	}
	switch {
	case stale: // history: a heartbeat never moves back in time
	case h.Status == Paused:
		h, change = h.hearPaused(p, change)
	default:
		h, change = h.take(p, change)
	}
	change.Ping = p
	return h, change
}

// stale reports whether the ping came out of order. A start that was stored
// sooner does not make an older finish stale, nor the start of another run:
// those are news all the same, and may be what keeps the deadline.
func (h Heartbeat) stale(p Ping) bool {
	return p.At.Before(h.Heard) || (p.Kind == Start && superseded(h.Runs, p))
}

// hearPaused takes a ping while paused: a finished run resumes, unless people
// want to do that themselves; a start only notes when it began.
func (h Heartbeat) hearPaused(p Ping, change Change) (Heartbeat, Change) {
	if p.finishes() && !h.Rule.ManualResume {
		return h.take(p, change)
	}
	if p.Kind == Start {
		h.Began, h.Runs = later(h.Began, p.At), begin(h.Runs, p)
	} else {
		h.Heard, h.LastPing = p.At, p.At
	}
	return h, change
}

// take applies a ping that is neither stale nor held back by a pause.
func (h Heartbeat) take(p Ping, change Change) (Heartbeat, Change) {
	if p.Kind == Start {
		h.Began, h.Runs = later(h.Began, p.At), begin(h.Runs, p)
		return h, change
	}
	h.Heard, h.From, h.LastPing = p.At, p.At, p.At
	if h.Status == Down || h.Status == Paused {
		h.Runs = withinTime(h.Runs, h.Rule.runLimit(), p.At)
	}
	if p.HasRun {
		h.RunTime, h.HasRun = p.RunTime, true
	}
	change.Late = time.Time{}
	if p.Kind == Fail {
		return h.fail(p, change)
	}
	if h.Status == Down {
		change.Resolved = &Resolution{How: Recovered, At: p.At, Incident: h.Incident}
		h.Incident, h.Cause = "", ""
	}
	h.Status = Up
	return h, change
}

// fail takes the heartbeat down at once, or notes one more failure.
func (h Heartbeat) fail(p Ping, change Change) (Heartbeat, Change) {
	already := h.Status == Down
	h.Status, h.Cause = Down, Failure // what it is down for now, whatever opened the incident
	if already {
		change.Failed = true
		return h, change
	}
	change.Opened = &Opening{Cause: Failure, At: p.At, Last: p.At, Because: becauseFailed(p), Ping: p.N}
	return h, change
}

// Lapse returns the heartbeat as it stands at now if nothing more was heard.
//
// The change is dated at the deadline, not at now: a sweep that runs late
// must not shorten the outage it reports. A sweep gives a now before its
// horizon, not the horizon itself: the ping that is the horizon may have
// arrived at the very deadline, and is then in time.
func (h Heartbeat) Lapse(now time.Time) (Heartbeat, Change) {
	var change Change
	for next := h.Next(); !next.IsZero() && !next.After(now); next = h.Next() {
		switch {
		case next.Equal(h.RunDeadline()):
			h, change = h.overrun(next), Change{Opened: h.opening(Overran, next)}
		case h.Status == Up:
			h.Status, change.Late = Late, next
		default:
			h, change = h.miss(), Change{Opened: h.opening(Missed, next)}
		}
	}
	return h, change
}

// miss takes the heartbeat down for its silence.
func (h Heartbeat) miss() Heartbeat {
	h.Status, h.Cause = Down, Missed
	return h
}

// overrun takes the heartbeat down because a run took too long.
func (h Heartbeat) overrun(at time.Time) Heartbeat {
	runs := make([]Run, len(h.Runs))
	for i, r := range h.Runs {
		r.Lost = r.Lost || !r.Start.Add(h.Rule.runLimit()).After(at)
		runs[i] = r
	}
	h.Runs, h.Status, h.Cause = runs, Down, Overran
	return h
}

// opening describes the incident that begins at the given moment, from the
// heartbeat as it stood just before.
func (h Heartbeat) opening(cause Cause, at time.Time) *Opening {
	because := h.becauseMissed()
	if cause == Overran {
		because = h.becauseOverran(at)
	}
	return &Opening{Cause: cause, At: at, Due: h.Due(), Last: h.LastPing, Because: because}
}
