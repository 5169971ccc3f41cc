package app

import (
	"time"

	"overdue/internal/monitor"
)

// The oracle says which incidents must exist. It is written from the words of the contract about
// heartbeats and blackouts, shares no code with the product, and knows one run at a time, intervals,
// and a calendar with a slot at each full minute. Times and lengths of blackouts are those that
// Overdue recorded; the simulation compares them with the times without a node.

// oracleRule is a rule.
type oracleRule struct {
	interval time.Duration // 0: a slot at each full minute
	grace    time.Duration
}

// oracleEvent is one thing that happened to a heartbeat: a stored ping, or a change by a user.
type oracleEvent struct {
	at   time.Time
	sent time.Time // of a ping, earlier than at if it lay in a socket
	what string    // success, fail, start, edit, pause or resume
	rule oracleRule
}

// oracleIncident is an incident that must exist.
type oracleIncident struct {
	cause            string
	opened, resolved time.Time // resolved is zero while it is open
	how              string
}

// oracleRun is a run in progress.
type oracleRun struct {
	start   time.Time
	credit  time.Duration
	unknown time.Time // end of the blackout in which it may have ended
	counted bool      // it exceeded its limit
}

// oracle is one heartbeat.
type oracle struct {
	rule      oracleRule
	status    string // new, up, down or paused
	cause     string
	pinged    bool
	last      time.Time // newest ping that ended a run, pause or resumption
	from      time.Time // the wait counts from here
	early     time.Time // slot that the last ping was early for
	credit    time.Duration
	unwatched time.Duration // of the silence since last
	reprieved bool          // in this silence
	run       *oracleRun
	incidents []oracleIncident
	unknown   map[int64]bool // blackouts that made an expected run unknown
	seen      []monitor.Blackout
}

// foretell replays events and blackouts up to a time.
func foretell(rule oracleRule, events []oracleEvent, blackouts []monitor.Blackout, end time.Time) *oracle {
	o := &oracle{rule: rule, status: "new", unknown: map[int64]bool{}}
	for len(events)+len(blackouts) > 0 {
		if len(blackouts) > 0 && (len(events) == 0 || !events[0].at.Before(blackouts[0].From)) {
			b := blackouts[0]
			blackouts = blackouts[1:]
			o.silence(earliest(b.From, end))
			for len(events) > 0 && !events[0].at.After(b.To) {
				o.applyIn(b, events[0])
				events = events[1:]
			}
			o.blackout(b)
			continue
		}
		o.silence(events[0].at)
		o.apply(events[0])
		events = events[1:]
	}
	o.silence(end)
	return o
}

// applyIn applies a ping that arrived in a blackout: the silence before it is not evaluated.
func (o *oracle) applyIn(b monitor.Blackout, e oracleEvent) {
	b.To = e.at
	if e.what != "start" && o.status == "up" && o.due().Before(e.at) && !o.busy(o.deadline()) {
		o.silenceInBlackout(b, b.To.Sub(b.From))
	}
	o.apply(e)
}

// earliest returns the earlier time.
func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// latest returns the later time.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// due returns when the next ping is expected.
func (o *oracle) due() time.Time {
	if o.rule.interval > 0 {
		return o.from.Add(o.rule.interval)
	}
	return latest(o.from, o.early).Truncate(time.Minute).Add(time.Minute)
}

// gap returns the time between two expected pings.
func (o *oracle) gap() time.Duration {
	if o.rule.interval > 0 {
		return o.rule.interval
	}
	return time.Minute
}

func (o *oracle) deadline() time.Time { return o.due().Add(o.rule.grace + o.credit) }

// runEnd returns when the run in progress exceeds its limit, which is the grace.
func (o *oracle) runEnd() time.Time { return o.run.start.Add(o.rule.grace + o.run.credit) }

// busy reports whether a run in progress started by a time.
func (o *oracle) busy(by time.Time) bool {
	return o.run != nil && !o.run.counted && !o.run.start.After(by)
}

// silence evaluates what no ping came for before a time. A ping at a deadline is in time.
func (o *oracle) silence(before time.Time) {
	for o.status == "new" || o.status == "up" {
		running := o.run != nil && !o.run.counted
		waits := o.status == "up" && !o.busy(o.deadline())
		switch {
		case running && o.runEnd().Before(before) && !(waits && o.deadline().Before(o.runEnd())):
			if until := o.run.unknown; !until.IsZero() {
				o.run = nil
				if o.status == "up" {
					o.from = latest(o.from, until)
				}
				continue
			}
			o.run.counted = true
			o.open("overran", o.runEnd())
		case waits && o.deadline().Before(before):
			o.open("missed", o.deadline())
		default:
			return
		}
	}
}

func (o *oracle) open(cause string, at time.Time) {
	o.status, o.cause = "down", cause
	o.incidents = append(o.incidents, oracleIncident{cause: cause, opened: at})
}

func (o *oracle) resolve(how string, at time.Time) {
	i := &o.incidents[len(o.incidents)-1]
	i.resolved, i.how = at, how
}

// wait starts a new silence.
func (o *oracle) wait(at time.Time) {
	o.last, o.from, o.credit, o.unwatched, o.reprieved = at, at, 0, 0, false
	if !o.early.After(at) {
		o.early = time.Time{}
	}
}

// apply applies an event. The silence before it is evaluated.
func (o *oracle) apply(e oracleEvent) {
	switch e.what {
	case "start":
		o.run = &oracleRun{start: e.at}
	case "pause":
		if o.status == "down" {
			o.resolve("paused", e.at)
		}
		o.status, o.run, o.last = "paused", nil, e.at
	case "resume":
		if o.status != "paused" {
			return
		}
		o.status = "new"
		o.wait(e.at)
		if o.pinged {
			o.status = "up"
		}
	case "edit":
		o.edit(e.rule, e.at)
	default:
		o.ping(e)
	}
}

// ping applies a success or a failure.
func (o *oracle) ping(e oracleEvent) {
	o.run, o.pinged = nil, true
	o.wait(e.at)
	if next := e.at.Truncate(time.Minute).Add(time.Minute); o.rule.interval == 0 && next.Sub(e.at) <= min(o.rule.grace, 15*time.Second) {
		o.early = next
	}
	switch {
	case e.what == "fail" && o.status == "down":
		o.cause = "failure"
	case e.what == "fail":
		o.open("failure", e.at)
	default:
		if o.status == "down" {
			o.resolve("recovered", e.at)
		}
		o.status = "up"
	}
}

// blackout takes a blackout into account at its end.
func (o *oracle) blackout(b monitor.Blackout) {
	length := b.To.Sub(b.From)
	o.seen = append(o.seen, b)
	watches := o.status == "up" && !o.busy(o.deadline())
	if r := o.run; r != nil && !r.counted && (o.status == "new" || o.status == "up") && !b.From.After(o.runEnd()) && !b.To.Before(r.start) {
		if minorBlackout(length, o.rule.grace) {
			r.credit += length
		} else {
			r.unknown, o.unknown[b.Key] = b.To, true
		}
	}
	if watches {
		o.silenceInBlackout(b, length)
	}
	o.unwatched += max(0, b.To.Sub(latest(b.From, o.last)))
}

// silenceInBlackout decides what a blackout means for the expected ping.
func (o *oracle) silenceInBlackout(b monitor.Blackout, length time.Duration) {
	begin := o.due()
	if o.rule.interval > 0 {
		begin = begin.Add(-min(o.rule.interval/10, 5*time.Minute))
	}
	if b.From.After(o.deadline()) || b.To.Before(begin) {
		return
	}
	watched := b.From.Sub(o.last) - o.unwatched
	if minorBlackout(length, o.rule.grace+o.gap()/10) || o.reprieved && watched >= o.gap()+o.rule.grace {
		o.credit += length
		return
	}
	o.unknown[b.Key] = true
	o.from, o.credit, o.reprieved = b.To, 0, true
}

// minorBlackout reports whether a blackout only moves a deadline at the end of a window.
func minorBlackout(length, window time.Duration) bool {
	return length < 30*time.Second && length < window/10
}

// edit evaluates again from the last ping, or from the end of the blackout that the wait counts
// from, by a new rule.
func (o *oracle) edit(rule oracleRule, at time.Time) {
	o.rule = rule
	if o.status == "paused" || o.status == "new" || o.cause == "failure" && o.status == "down" {
		return
	}
	again := *o
	again.status, again.credit, again.unwatched, again.incidents, again.seen = "up", 0, 0, nil, nil
	for _, b := range o.seen {
		if b.To.After(o.from) {
			again.silence(b.From)
			again.blackout(b)
		} else {
			again.unwatched += max(0, b.To.Sub(latest(b.From, o.last)))
		}
	}
	again.silence(at)
	again.seen = o.seen
	if o.status == "down" && again.status == "down" {
		return
	}
	again.incidents = append(o.incidents, again.incidents...)
	was := o.status
	*o = again
	if was == "down" {
		o.resolve("edited", at)
	}
}
