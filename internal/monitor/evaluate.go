package monitor

import "time"

// Precision is the smallest difference between two times.
const Precision = time.Microsecond

// Change contains the changes of one operation. The zero Change has none.
type Change struct {
	Ping            Ping             // the ping to store, if a ping caused the change
	LateSince       time.Time        // when it became late; zero unless it did and still is
	ClosedSpans     []Span           // spans of the run history that no longer grow, oldest first
	BlackoutEffects []BlackoutEffect // what blackouts changed, oldest first
	Opened          *Opening         // the incident that opened
	Resolved        *Resolution      // the incident that was resolved
	FailedAgain     bool             // a further failed run while the incident was already open
}

// Opening is how an incident opened.
type Opening struct {
	Cause      Cause
	At         time.Time // the deadline, whenever it was noticed
	Due        time.Time // when a ping was expected, zero if none was
	LastPing   time.Time // last ping before it, zero if none
	Reason     string    // the calculation, as a sentence
	PingNumber int64     // number of the ping that ended the failed run, 0 if none did
	Host       string    // host of that ping, or of the newest run before the incident, "" if none is known
}

// Resolution is how an incident was resolved.
type Resolution struct {
	Reason   ResolutionReason
	At       time.Time
	Incident string // its id, "" if it opened in the same change
}

// Notable reports whether the change can cause alerts.
func (c Change) Notable() bool {
	return c.Opened != nil || c.Resolved != nil || c.FailedAgain || !c.LateSince.IsZero()
}

// ApplyPing returns the heartbeat after a ping.
//
// It first applies the deadlines that passed before the ping arrived, so the result does not depend
// on how often Evaluate ran. It applies none at or after the watermark: only before the watermark
// is every accepted ping known to be stored.
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
	if h.Rule.Instances != AnyHost {
		return h.applyHostPing(p, before)
	}
	if alreadyFinished(h.FinishedRuns, p) {
		p.Flags |= StartAfterFinish
		return h, Change{Ping: p}
	}
	stale := h.isStale(p)
	var change Change
	if !stale {
		if h.changesBy(before.Add(-Precision)) {
			h, change = h.Evaluate(before.Add(-Precision))
		}
		if p.endsRun() && h.Maintenance != nil {
			h, change = h.applyWindowBefore(p.At, change)
		}
		if p.endsRun() && len(h.PendingBlackouts) > 0 {
			h, change = h.applyBlackoutBefore(p.At, change)
		}
	}
	if host := p.HostOrSource(); host != h.LastHost && !p.At.Before(laterOf(h.LastPing, h.LastStart)) {
		h.LastHost = host
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
	case stale: // history only: a heartbeat never moves back in time
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

// finishingPing is a ping that ends a run.
type finishingPing struct {
	Ping
	activeRuns []ActiveRun // runs in progress just before it
	startedAt  time.Time   // when the run started, zero if unknown
	overran    bool        // the run exceeded its time limit, and that is already counted
}

// isStale reports whether the ping arrived out of order. If a later start is already stored, an
// older finish is not stale, and neither is the start of another run: they are new information and
// can meet the deadline.
func (h *Heartbeat) isStale(p Ping) bool {
	return p.At.Before(h.StaleBefore) || (p.Kind == PingStart && superseded(h.ActiveRuns, p))
}

// applyWhilePaused records when a ping arrived that does not resume the heartbeat.
func (h Heartbeat) applyWhilePaused(p Ping) Heartbeat {
	if p.Kind == PingStart {
		return h.startRun(p)
	}
	h.StaleBefore, h.LastPing = p.At, p.At
	return h
}

// startRun records that a run started.
func (h Heartbeat) startRun(p Ping) Heartbeat {
	h.LastStart, h.ActiveRuns = laterOf(h.LastStart, p.At), addRun(h.ActiveRuns, p)
	return h
}

// finishRun applies a ping that ends a run and is not stale. It resumes a paused heartbeat.
func (h Heartbeat) finishRun(p finishingPing, change Change) (Heartbeat, Change) {
	bad, ahead := h.Rule.failureOf(p.Ping), h.pendingEarlySlot(p.At)
	outcome, held := h.excuseFailure(bad, p.Ping)
	h, r := h.assign(finishedRun{endedAt: p.At, byPing: true, startedAt: p.startedAt, failure: outcome, overran: p.overran, activeRuns: p.activeRuns})
	change.ClosedSpans = append(change.ClosedSpans, r.closedSpans...)
	h.FailedRuns, h.Tolerated = h.consecutiveFailures()+r.missed, ToleratedRuns{}
	h.StaleBefore, h.CountedFrom, h.LastPing = p.At, r.decidedUntil, p.At
	if h.EarlySlot = ahead; r.slot.After(p.At) {
		h.EarlySlot = r.slot
	}
	h.ActiveRuns = withoutExpiredRuns(h.ActiveRuns, h.Rule.runLimit(), p.At)
	h.Blackout = h.blackoutStateAfterPing()
	h = h.maintenanceAfterPing(held)
	if p.HasRunTime {
		h.LastRunTime, h.HasRunTime = p.RunTime, true
	}
	if !held.At.IsZero() {
		return h.upOrStillLate(p.At, change)
	}
	if bad != "" {
		return h.recordFailure(p, bad, change)
	}
	if h.Status == Down {
		change.Resolved = &Resolution{Reason: ResolvedByPing, At: p.At, Incident: h.OpenIncident}
		h.OpenIncident, h.DownCause, h.FailedRuns = "", "", 0
	}
	// A run that a timer has counted as failed cannot reset the count.
	if !p.overran && !r.alreadyCounted {
		h.FailedRuns = 0
	}
	return h.upOrStillLate(p.At, change)
}

// upOrStillLate returns the heartbeat after a run that leaves no incident open: up, or still late
// if an expected slot remains that the run does not count for.
func (h Heartbeat) upOrStillLate(at time.Time, change Change) (Heartbeat, Change) {
	if due := h.due(); h.Status == Late && !due.IsZero() && !due.After(at) {
		return h, change
	}
	h.Status, change.LateSince = Up, time.Time{}
	return h, change
}

// pendingEarlySlot returns the slot that an earlier ping was early for, if it is still in the
// future: it stays counted. Slots are whole seconds. Fractions of a second in the run history are
// further failed runs of the same time.
func (h *Heartbeat) pendingEarlySlot(at time.Time) time.Time {
	ahead := laterOf(h.EarlySlot, h.History.DecidedUntil).Truncate(time.Second)
	if h.Rule.Calendar != nil && ahead.After(at) {
		return ahead
	}
	return time.Time{}
}

// recordFailure counts a failed run that a ping ended. It opens an incident, adds a failure to the
// open one, or tolerates the run. A run that a timer has already counted as overrun is not counted
// again.
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
		h.DownCause, change.FailedAgain = cause, true // the current cause, which can differ from that of the incident
	case h.FailedRuns >= h.Rule.alertThreshold():
		h.Status, h.DownCause = Down, cause
		change.Opened = &Opening{Cause: cause, At: p.At, LastPing: p.At, Reason: because + h.explainThreshold(h.FailedRuns), PingNumber: p.Number, Host: p.HostOrSource()}
	default:
		return h.upOrStillLate(p.At, change)
	}
	change.LateSince = time.Time{}
	return h, change
}

// Evaluate returns the heartbeat at now if no further ping arrives.
//
// The change is dated at the deadline, not at now: a late sweep must not shorten the reported
// outage. Blackouts that the heartbeat has (see WithBlackouts) are taken into account: nothing is
// evaluated within one. A sweep passes a now before its watermark, not the watermark itself: the ping at the
// watermark can have arrived exactly at the deadline, and is then in time.
func (h Heartbeat) Evaluate(now time.Time) (Heartbeat, Change) {
	var change Change
	for {
		b, pending := h.nextBlackout(now)
		w, begun := h.nextWindow(now)
		if begun && (!pending || w.From.Before(b.From)) {
			h, change = h.evaluateUntil(w.From.Add(-Precision), change)
			if now.Before(w.To) {
				return h, change // nothing is evaluated within a window
			}
			h, change = h.applyWindow(w, change)
			continue
		}
		if !pending {
			return h.evaluateUntil(now, change)
		}
		h, change = h.evaluateUntil(b.From.Add(-Precision), change)
		if now.Before(b.To) {
			return h, change // nothing is evaluated within a blackout
		}
		h, change = h.applyBlackout(b, change)
	}
}

// changesBy reports whether Evaluate changes the heartbeat at now. Most pings arrive before
// anything is due.
func (h *Heartbeat) changesBy(now time.Time) bool {
	if _, pending := h.nextBlackout(now); pending {
		return true
	}
	if _, begun := h.nextWindow(now); begun {
		return true
	}
	next := h.nextEvaluation()
	return !next.IsZero() && !next.After(now)
}

// evaluateUntil applies the deadlines up to now.
func (h Heartbeat) evaluateUntil(now time.Time, change Change) (Heartbeat, Change) {
	for next := h.nextEvaluation(); !next.IsZero() && !next.After(now); next = h.nextEvaluation() {
		switch {
		case next.Equal(h.runDeadline()) && h.unwatchedRunEnds(next):
			h, change = h.runUnknown(next, change)
		case next.Equal(h.runDeadline()):
			h, change = h.runOverran(next, change)
		case h.Status == New:
			h, change = h.firstPingMissed(next, change)
		case h.Status == Up:
			h.Status, change.LateSince = Late, next
		case h.Rule.hasStartDeadline():
			h, change = h.runNotStarted(next, change)
		default:
			h, change = h.openIncident(&Opening{Cause: CauseMissed, At: next, Due: h.alertingSlot(), LastPing: h.LastPing, Reason: h.explainMissed(), Host: h.silentHost()}, change)
		}
	}
	return h, change
}

// openIncident takes the heartbeat down.
func (h Heartbeat) openIncident(o *Opening, change Change) (Heartbeat, Change) {
	if h.Rule.Instances == AnyHost {
		o.Host = h.LastHost
	}
	h.Status, h.DownCause = Down, o.Cause
	change.Opened, change.LateSince = o, time.Time{}
	return h, change
}

// firstPingMissed takes a new heartbeat down whose first ping did not arrive by the expected time.
func (h Heartbeat) firstPingMissed(by time.Time, change Change) (Heartbeat, Change) {
	if by.After(h.History.DecidedUntil) || h.History.Latest.Outcome != RunMissed { // ChangeRule can evaluate this again
		at := laterOf(by, h.History.DecidedUntil.Add(Precision))
		var decided []Span
		h.History, decided = h.History.add(Span{Outcome: RunMissed, First: at, Last: at, Count: 1})
		change.ClosedSpans = append(change.ClosedSpans, decided...)
	}
	return h.openIncident(&Opening{Cause: CauseMissed, At: by, Reason: explainNeverPinged(by)}, change)
}

// runOverran counts the run that exceeded its time limit at at. Its slot is no longer expected.
func (h Heartbeat) runOverran(at time.Time, change Change) (Heartbeat, Change) {
	o := &Opening{Cause: CauseOverran, At: at, Due: h.due(), LastPing: h.LastPing, Reason: h.explainOverran(at)}
	before := h
	runs := make([]ActiveRun, len(h.ActiveRuns))
	for i, r := range h.ActiveRuns {
		r.Overran = r.Overran || !r.deadline(h.Rule.runLimit()).After(at)
		runs[i] = r
	}
	h.ActiveRuns = runs
	h, r := h.assign(finishedRun{endedAt: at, startedAt: before.startedBy(at), failure: RunOverran, activeRuns: before.ActiveRuns})
	change.ClosedSpans = append(change.ClosedSpans, r.closedSpans...)
	if h.Rule.Calendar == nil && !r.lastSlot.IsZero() && !h.CountedFrom.IsZero() {
		r.lastSlot = before.slotAfter(laterOf(before.countedUntil(), r.lastSlot.Add(-Precision))) // the expected finish
	}
	return h.tolerateOrOpen(o, before, r.missed+1, r.lastSlot, change)
}

// runNotStarted counts the expected run, which did not start by its start deadline.
func (h Heartbeat) runNotStarted(at time.Time, change Change) (Heartbeat, Change) {
	due := h.due()
	o := &Opening{Cause: CauseNotStarted, At: at, Due: due, LastPing: h.LastPing, Reason: h.explainNotStarted(at)}
	before := h
	if due.After(h.History.DecidedUntil) {
		var decided []Span
		h.History, decided = h.History.add(Span{Outcome: RunNotStarted, First: due, Last: due, Count: 1})
		change.ClosedSpans = append(change.ClosedSpans, decided...)
	}
	return h.tolerateOrOpen(o, before, 1, due, change)
}

// tolerateOrOpen counts failed runs that a timer found. They open the incident, or are tolerated;
// then slots up to and including the given one are no longer expected.
func (h Heartbeat) tolerateOrOpen(o *Opening, before Heartbeat, runs int, slot time.Time, change Change) (Heartbeat, Change) {
	total := h.consecutiveFailures() + runs
	if total >= h.Rule.alertThreshold() {
		o.Reason += h.explainThreshold(total)
		return h.openIncident(o, change)
	}
	h.Tolerated = ToleratedRuns{LastSlot: laterOf(h.Tolerated.LastSlot, slot), Count: h.Tolerated.Count + runs}
	if h.Status == Late && !h.due().Equal(before.due()) {
		h.Status, change.LateSince = Up, time.Time{}
	}
	return h, change
}
