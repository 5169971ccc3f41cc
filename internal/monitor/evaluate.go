package monitor

import "time"

// Precision is the smallest step of time that is told apart.
const Precision = time.Microsecond

// Change is what one judgement did to a heartbeat. The zero Change did nothing.
type Change struct {
	Ping        Ping        // as it is to be kept, when the change came from a ping
	LateSince   time.Time   // when it became late, zero unless it did and still is
	ClosedSpans []Span      // slots whose history is closed, oldest first; no news by itself
	Opened      *Opening    // the incident that began
	Resolved    *Resolution // the incident that ended
	FailedAgain bool        // a further bad run, while the incident was open already
}

// Opening is how an incident began.
type Opening struct {
	Cause      Cause
	At         time.Time // dated at the deadline, whenever it was noticed
	Due        time.Time // what was expected, zero when nothing was
	LastPing   time.Time // the last ping before it, zero when none had come
	Reason     string    // the arithmetic, in a sentence
	PingNumber int64     // the ping that ended the bad run, 0 when none did
}

// Resolution is how an incident ended.
type Resolution struct {
	Reason   ResolutionReason
	At       time.Time
	Incident string // its id, empty when it opened in the same change
}

// Notable reports whether there is something that people may have to be told.
func (c Change) Notable() bool {
	return c.Opened != nil || c.Resolved != nil || c.FailedAgain || !c.LateSince.IsZero()
}

// ApplyPing returns the heartbeat after a ping.
//
// What lapsed before the ping arrived is noted first, so that the outcome does
// not depend on how often somebody looked; but nothing is noted from horizon
// on: before it, and only before it, every accepted ping is known to be stored.
func (h Heartbeat) ApplyPing(p Ping, horizon time.Time) (Heartbeat, Change) {
	if h.Rule.Methods == PostOnly && p.Method != "POST" {
		p.Kind = PingIgnored
	}
	h.PingCount++
	p.Number = h.PingCount
	if !p.affectsStatus() {
		return h, Change{Ping: p}
	}
	before := p.At
	if horizon.Before(before) {
		before = horizon
	}
	if alreadyFinished(h.FinishedRuns, p) {
		p.Flags |= StartAfterFinish
		return h, Change{Ping: p}
	}
	stale := h.isStale(p)
	var change Change
	if !stale {
		h, change = h.Evaluate(before.Add(-Precision))
	}
	f := finishingPing{activeRuns: h.ActiveRuns}
	if p.endsRun() {
		var run ActiveRun
		if h.ActiveRuns, run, p.HasRunTime = removeFinishedRun(h.ActiveRuns, p); p.HasRunTime {
			p.RunTime, f.startedAt, f.overran = p.At.Sub(run.StartedAt), run.StartedAt, run.Overran
		}
		h.FinishedRuns = rememberFinished(h.FinishedRuns, p)
	}
	f.Ping = p
	switch {
	case stale: // history: a heartbeat never moves back in time
	case h.Status == Paused && !(p.endsRun() && !h.Rule.ManualResume):
		h = h.applyWhilePaused(p)
	case p.Kind == PingStart:
		h = h.startRun(p)
	default:
		h, change = h.finishRun(f, change)
	}
	change.Ping = p
	return h, change
}

// finishingPing is a ping that ended a run, or may have.
type finishingPing struct {
	Ping
	activeRuns []ActiveRun // in progress just before it
	startedAt  time.Time   // when its run did, zero when nobody said
	overran    bool        // its run took too long, and that was counted
}

// isStale reports whether the ping came out of order. A start that was stored
// sooner does not make an older finish stale, nor the start of another run:
// those are news all the same, and may be what keeps the deadline.
func (h Heartbeat) isStale(p Ping) bool {
	return p.At.Before(h.StaleBefore) || (p.Kind == PingStart && superseded(h.ActiveRuns, p))
}

// applyWhilePaused takes a ping that does not resume: it only notes when it came.
func (h Heartbeat) applyWhilePaused(p Ping) Heartbeat {
	if p.Kind == PingStart {
		return h.startRun(p)
	}
	h.StaleBefore, h.LastPing = p.At, p.At
	return h
}

// startRun notes that a run began.
func (h Heartbeat) startRun(p Ping) Heartbeat {
	h.LastStart, h.ActiveRuns = laterOf(h.LastStart, p.At), addRun(h.ActiveRuns, p)
	return h
}

// finishRun applies the end of a run that is neither stale nor held back by a pause.
// A finished run resumes what is paused.
func (h Heartbeat) finishRun(p finishingPing, change Change) (Heartbeat, Change) {
	bad, ahead := h.Rule.failureOf(p.Ping), h.pendingEarlySlot(p.At)
	h, r := h.assign(finishedRun{endedAt: p.At, byPing: true, startedAt: p.startedAt, failure: bad, overran: p.overran, activeRuns: p.activeRuns})
	change.ClosedSpans = append(change.ClosedSpans, r.closedSpans...)
	h.FailedRuns, h.Tolerated = h.ConsecutiveFailures()+r.missed, ToleratedRuns{}
	h.StaleBefore, h.CountedFrom, h.LastPing = p.At, r.decidedUntil, p.At
	if h.EarlySlot = ahead; r.slot.After(p.At) {
		h.EarlySlot = r.slot
	}
	h.ActiveRuns = withoutExpiredRuns(h.ActiveRuns, h.Rule.runLimit(), p.At)
	if p.HasRunTime {
		h.LastRunTime, h.HasRunTime = p.RunTime, true
	}
	if bad != "" {
		return h.recordFailure(p, bad, change)
	}
	if h.Status == Down {
		change.Resolved = &Resolution{Reason: ResolvedByPing, At: p.At, Incident: h.OpenIncident}
		h.OpenIncident, h.DownCause, h.FailedRuns = "", "", 0
	}
	// What becomes of a run that a clock has counted does not make it good.
	if !p.overran && !r.alreadyCounted {
		h.FailedRuns = 0
	}
	return h.upOrStillLate(p.At, change)
}

// upOrStillLate returns the heartbeat after a run that leaves no incident open: up, or
// still late while a slot that the run does not count for is waited for.
func (h Heartbeat) upOrStillLate(at time.Time, change Change) (Heartbeat, Change) {
	if due := h.Due(); h.Status == Late && !due.IsZero() && !due.After(at) {
		return h, change
	}
	h.Status, change.LateSince = Up, time.Time{}
	return h, change
}

// pendingEarlySlot is the slot that an earlier ping was early for, if it is still to
// come: it stays counted. Slots are whole seconds; what the ledger has within one
// are further bad runs of the same moment.
func (h Heartbeat) pendingEarlySlot(at time.Time) time.Time {
	ahead := laterOf(h.EarlySlot, h.History.DecidedUntil).Truncate(time.Second)
	if h.Rule.Calendar != nil && ahead.After(at) {
		return ahead
	}
	return time.Time{}
}

// recordFailure counts a bad run that a ping ended. It takes the heartbeat down at once,
// or is noted as one more, or is tolerated. A run that a clock has counted as too
// long is not counted again.
func (h Heartbeat) recordFailure(p finishingPing, bad Outcome, change Change) (Heartbeat, Change) {
	cause, because := CauseFailure, explainFailure(p.Ping)
	if bad == RunTooShort {
		cause, because = CauseTooShort, h.explainTooShort(p.Ping)
	}
	if !p.overran || h.FailedRuns == 0 {
		h.FailedRuns++
	}
	switch {
	case h.Status == Down:
		h.DownCause, change.FailedAgain = cause, true // what it is down for now, whatever opened the incident
	case h.FailedRuns >= h.Rule.alertThreshold():
		h.Status, h.DownCause = Down, cause
		change.Opened = &Opening{Cause: cause, At: p.At, LastPing: p.At, Reason: because + h.explainThreshold(h.FailedRuns), PingNumber: p.Number}
	default:
		return h.upOrStillLate(p.At, change)
	}
	change.LateSince = time.Time{}
	return h, change
}

// Evaluate returns the heartbeat as it stands at now if nothing more was heard.
//
// The change is dated at the deadline, not at now: a sweep that runs late
// must not shorten the outage it reports. A sweep gives a now before its
// horizon, not the horizon itself: the ping that is the horizon may have
// arrived at the very deadline, and is then in time.
func (h Heartbeat) Evaluate(now time.Time) (Heartbeat, Change) {
	var change Change
	for next := h.NextEvaluation(); !next.IsZero() && !next.After(now); next = h.NextEvaluation() {
		switch {
		case next.Equal(h.RunDeadline()):
			h, change = h.runOverran(next, change)
		case h.Status == New:
			h, change = h.firstPingMissed(next, change)
		case h.Status == Up:
			h.Status, change.LateSince = Late, next
		case h.Rule.hasStartDeadline():
			h, change = h.runNotStarted(next, change)
		default:
			h, change = h.openIncident(&Opening{Cause: CauseMissed, At: next, Due: h.alertingSlot(), LastPing: h.LastPing, Reason: h.explainMissed()}, change)
		}
	}
	return h, change
}

// openIncident takes the heartbeat down.
func (h Heartbeat) openIncident(o *Opening, change Change) (Heartbeat, Change) {
	h.Status, h.DownCause = Down, o.Cause
	change.Opened, change.LateSince = o, time.Time{}
	return h, change
}

// firstPingMissed takes a new heartbeat down whose first ping did not come by the
// moment at which it was expected.
func (h Heartbeat) firstPingMissed(by time.Time, change Change) (Heartbeat, Change) {
	if by.After(h.History.DecidedUntil) || h.History.Latest.Outcome != RunMissed { // an edit judges again
		at := laterOf(by, h.History.DecidedUntil.Add(Precision))
		var decided []Span
		h.History, decided = h.History.add(Span{Outcome: RunMissed, First: at, Last: at, Count: 1})
		change.ClosedSpans = append(change.ClosedSpans, decided...)
	}
	return h.openIncident(&Opening{Cause: CauseMissed, At: by, Reason: explainNeverPinged(by)}, change)
}

// runOverran counts a run that took too long. Its slot is not waited for any more.
func (h Heartbeat) runOverran(at time.Time, change Change) (Heartbeat, Change) {
	o := &Opening{Cause: CauseOverran, At: at, Due: h.Due(), LastPing: h.LastPing, Reason: h.explainOverran(at)}
	before := h
	runs := make([]ActiveRun, len(h.ActiveRuns))
	for i, r := range h.ActiveRuns {
		r.Overran = r.Overran || !r.StartedAt.Add(h.Rule.runLimit()).After(at)
		runs[i] = r
	}
	h.ActiveRuns = runs
	h, r := h.assign(finishedRun{endedAt: at, startedAt: at.Add(-h.Rule.runLimit()), failure: RunOverran, activeRuns: before.ActiveRuns})
	change.ClosedSpans = append(change.ClosedSpans, r.closedSpans...)
	if h.Rule.Calendar == nil && !r.lastSlot.IsZero() && !h.CountedFrom.IsZero() {
		r.lastSlot = before.slotAfter(laterOf(before.countedUntil(), r.lastSlot.Add(-Precision))) // the finish that is waited for
	}
	return h.tolerateOrOpen(o, before, r.missed+1, r.lastSlot, change)
}

// runNotStarted counts a run that had not begun by its start grace.
func (h Heartbeat) runNotStarted(at time.Time, change Change) (Heartbeat, Change) {
	due := h.Due()
	o := &Opening{Cause: CauseNotStarted, At: at, Due: due, LastPing: h.LastPing, Reason: h.explainNotStarted(at)}
	before := h
	if due.After(h.History.DecidedUntil) {
		var decided []Span
		h.History, decided = h.History.add(Span{Outcome: RunNotStarted, First: due, Last: due, Count: 1})
		change.ClosedSpans = append(change.ClosedSpans, decided...)
	}
	return h.tolerateOrOpen(o, before, 1, due, change)
}

// tolerateOrOpen counts bad runs that a clock told of: they open the incident, or are
// tolerated, and then nothing is waited for up to and including the slot.
func (h Heartbeat) tolerateOrOpen(o *Opening, before Heartbeat, runs int, slot time.Time, change Change) (Heartbeat, Change) {
	total := h.ConsecutiveFailures() + runs
	if total >= h.Rule.alertThreshold() {
		o.Reason += h.explainThreshold(total)
		return h.openIncident(o, change)
	}
	h.Tolerated = ToleratedRuns{LastSlot: laterOf(h.Tolerated.LastSlot, slot), Count: h.Tolerated.Count + runs}
	if h.Status == Late && !h.Due().Equal(before.Due()) {
		h.Status, change.LateSince = Up, time.Time{}
	}
	return h, change
}
