package monitor

import "time"

// Tick is the smallest step of time that is told apart.
const Tick = time.Microsecond

// Change is what one judgement did to a heartbeat. The zero Change did nothing.
type Change struct {
	Ping     Ping        // as it is to be kept, when the change came from a ping
	Late     time.Time   // when it became late, zero unless it did and still is
	Decided  []Stretch   // slots whose history is closed, oldest first; no news by itself
	Opened   *Opening    // the incident that began
	Resolved *Resolution // the incident that ended
	Failed   bool        // a further bad run, while the incident was open already
}

// Opening is how an incident began.
type Opening struct {
	Cause   Cause
	At      time.Time // dated at the deadline, whenever it was noticed
	Due     time.Time // what was expected, zero when nothing was
	Last    time.Time // the last ping before it, zero when none had come
	Because string    // the arithmetic, in a sentence
	Ping    int64     // the ping that ended the bad run, 0 when none did
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
	if alreadyFinished(h.Finished, p) {
		p.Flags |= RunFinished
		return h, Change{Ping: p}
	}
	stale := h.stale(p)
	var change Change
	if !stale {
		h, change = h.Lapse(before.Add(-Tick))
	}
	f := finished{runs: h.Runs}
	if p.finishes() {
		var run Run
		if h.Runs, run, p.HasRun = finish(h.Runs, p); p.HasRun {
			p.RunTime, f.began, f.lost = p.At.Sub(run.Start), run.Start, run.Lost
		}
		h.Finished = rememberEnd(h.Finished, p)
	}
	f.Ping = p
	switch {
	case stale: // history: a heartbeat never moves back in time
	case h.Status == Paused && !(p.finishes() && !h.Rule.ManualResume):
		h = h.hearPaused(p)
	case p.Kind == Start:
		h = h.begin(p)
	default:
		h, change = h.take(f, change)
	}
	change.Ping = p
	return h, change
}

// finished is a ping that ended a run, or may have.
type finished struct {
	Ping
	runs  []Run     // in progress just before it
	began time.Time // when its run did, zero when nobody said
	lost  bool      // its run took too long, and that was counted
}

// stale reports whether the ping came out of order. A start that was stored
// sooner does not make an older finish stale, nor the start of another run:
// those are news all the same, and may be what keeps the deadline.
func (h Heartbeat) stale(p Ping) bool {
	return p.At.Before(h.Heard) || (p.Kind == Start && superseded(h.Runs, p))
}

// hearPaused takes a ping that does not resume: it only notes when it came.
func (h Heartbeat) hearPaused(p Ping) Heartbeat {
	if p.Kind == Start {
		return h.begin(p)
	}
	h.Heard, h.LastPing = p.At, p.At
	return h
}

// begin notes that a run began.
func (h Heartbeat) begin(p Ping) Heartbeat {
	h.Began, h.Runs = later(h.Began, p.At), begin(h.Runs, p)
	return h
}

// take applies the end of a run that is neither stale nor held back by a pause.
// A finished run resumes what is paused.
func (h Heartbeat) take(p finished, change Change) (Heartbeat, Change) {
	bad, ahead := h.Rule.bad(p.Ping), h.stillAhead(p.At)
	h, r := h.reckon(runEnd{at: p.At, ping: true, began: p.began, outcome: bad, lost: p.lost, runs: p.runs})
	change.Decided = append(change.Decided, r.decided...)
	h.Bad, h.Lapsed = h.BadRuns()+r.missed, Lapsed{}
	h.Heard, h.From, h.LastPing = p.At, r.upTo, p.At
	if h.Slot = ahead; r.slot.After(p.At) {
		h.Slot = r.slot
	}
	h.Runs = withinTime(h.Runs, h.Rule.runLimit(), p.At)
	if p.HasRun {
		h.RunTime, h.HasRun = p.RunTime, true
	}
	if bad != "" {
		return h.fail(p, bad, change)
	}
	if h.Status == Down {
		change.Resolved = &Resolution{How: Recovered, At: p.At, Incident: h.Incident}
		h.Incident, h.Cause, h.Bad = "", "", 0
	}
	// What becomes of a run that a clock has counted does not make it good.
	if !p.lost && !r.known {
		h.Bad = 0
	}
	return h.goOn(p.At, change)
}

// goOn returns the heartbeat after a run that leaves no incident open: up, or
// still late while a slot that the run does not count for is waited for.
func (h Heartbeat) goOn(at time.Time, change Change) (Heartbeat, Change) {
	if due := h.Due(); h.Status == Late && !due.IsZero() && !due.After(at) {
		return h, change
	}
	h.Status, change.Late = Up, time.Time{}
	return h, change
}

// stillAhead is the slot that an earlier ping was early for, if it is still to
// come: it stays counted. Slots are whole seconds; what the ledger has within one
// are further bad runs of the same moment.
func (h Heartbeat) stillAhead(at time.Time) time.Time {
	ahead := later(h.Slot, h.Ledger.Until).Truncate(time.Second)
	if h.Rule.Calendar != nil && ahead.After(at) {
		return ahead
	}
	return time.Time{}
}

// fail counts a bad run that a ping ended. It takes the heartbeat down at once,
// or is noted as one more, or is tolerated. A run that a clock has counted as too
// long is not counted again.
func (h Heartbeat) fail(p finished, bad Outcome, change Change) (Heartbeat, Change) {
	cause, because := Failure, becauseFailed(p.Ping)
	if bad == RunTooShort {
		cause, because = TooShort, h.becauseTooShort(p.Ping)
	}
	if !p.lost || h.Bad == 0 {
		h.Bad++
	}
	switch {
	case h.Status == Down:
		h.Cause, change.Failed = cause, true // what it is down for now, whatever opened the incident
	case h.Bad >= h.Rule.alertAfter():
		h.Status, h.Cause = Down, cause
		change.Opened = &Opening{Cause: cause, At: p.At, Last: p.At, Because: because + h.inARow(h.Bad), Ping: p.N}
	default:
		return h.goOn(p.At, change)
	}
	change.Late = time.Time{}
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
			h, change = h.overrun(next, change)
		case h.Status == New:
			h, change = h.neverCame(next, change)
		case h.Status == Up:
			h.Status, change.Late = Late, next
		case h.Rule.startClock():
			h, change = h.notStarted(next, change)
		default:
			h, change = h.miss(&Opening{Cause: Missed, At: next, Due: h.lastChance(), Last: h.LastPing, Because: h.becauseMissed()}, change)
		}
	}
	return h, change
}

// miss takes the heartbeat down.
func (h Heartbeat) miss(o *Opening, change Change) (Heartbeat, Change) {
	h.Status, h.Cause = Down, o.Cause
	change.Opened, change.Late = o, time.Time{}
	return h, change
}

// neverCame takes a new heartbeat down whose first ping did not come by the
// moment at which it was expected.
func (h Heartbeat) neverCame(by time.Time, change Change) (Heartbeat, Change) {
	if by.After(h.Ledger.Until) || h.Ledger.Tail.Outcome != RunMissed { // an edit judges again
		at := later(by, h.Ledger.Until.Add(Tick))
		var decided []Stretch
		h.Ledger, decided = h.Ledger.add(Stretch{Outcome: RunMissed, First: at, Last: at, Count: 1})
		change.Decided = append(change.Decided, decided...)
	}
	return h.miss(&Opening{Cause: Missed, At: by, Because: becauseNever(by)}, change)
}

// overrun counts a run that took too long. Its slot is not waited for any more.
func (h Heartbeat) overrun(at time.Time, change Change) (Heartbeat, Change) {
	o := &Opening{Cause: Overran, At: at, Due: h.Due(), Last: h.LastPing, Because: h.becauseOverran(at)}
	before := h
	runs := make([]Run, len(h.Runs))
	for i, r := range h.Runs {
		r.Lost = r.Lost || !r.Start.Add(h.Rule.runLimit()).After(at)
		runs[i] = r
	}
	h.Runs = runs
	h, r := h.reckon(runEnd{at: at, began: at.Add(-h.Rule.runLimit()), outcome: RunOverran, runs: before.Runs})
	change.Decided = append(change.Decided, r.decided...)
	if h.Rule.Calendar == nil && !r.through.IsZero() && !h.From.IsZero() {
		r.through = before.slotAfter(later(before.counted(), r.through.Add(-Tick))) // the finish that is waited for
	}
	return h.bear(o, before, r.missed+1, r.through, change)
}

// notStarted counts a run that had not begun by its start grace.
func (h Heartbeat) notStarted(at time.Time, change Change) (Heartbeat, Change) {
	due := h.Due()
	o := &Opening{Cause: NotStarted, At: at, Due: due, Last: h.LastPing, Because: h.becauseNotStarted(at)}
	before := h
	if due.After(h.Ledger.Until) {
		var decided []Stretch
		h.Ledger, decided = h.Ledger.add(Stretch{Outcome: RunNotStarted, First: due, Last: due, Count: 1})
		change.Decided = append(change.Decided, decided...)
	}
	return h.bear(o, before, 1, due, change)
}

// bear counts bad runs that a clock told of: they open the incident, or are
// tolerated, and then nothing is waited for up to and including the slot.
func (h Heartbeat) bear(o *Opening, before Heartbeat, runs int, slot time.Time, change Change) (Heartbeat, Change) {
	total := h.BadRuns() + runs
	if total >= h.Rule.alertAfter() {
		o.Because += h.inARow(total)
		return h.miss(o, change)
	}
	h.Lapsed = Lapsed{Slot: later(h.Lapsed.Slot, slot), Runs: h.Lapsed.Runs + runs}
	if h.Status == Late && !h.Due().Equal(before.Due()) {
		h.Status, change.Late = Up, time.Time{}
	}
	return h, change
}
