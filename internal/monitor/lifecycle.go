package monitor

import "time"

// ChangeRule returns the heartbeat under a new rule, judged anew from its last
// ping. An incident that the new rule would not have opened is resolved; one
// that was reported by the job itself stays, unless the new rule would have
// borne it. What was borne so far opens nothing by itself.
//
// What lapsed under the old rule is noted first, as if a sweep had just looked,
// and stays in the ledger.
//
// Silence counts up to until, which is now or earlier: a ping that arrived after
// until may be on its way. What lapses between until and now is left to the next
// sweep, under the new rule. An open incident needs no such care: a ping on its
// way resolves it when it is stored, so it is compared with the new rule as of now.
func (h Heartbeat) ChangeRule(rule Rule, now, until time.Time) (Heartbeat, Change) {
	h, change := h.Evaluate(until)
	var decided []Span
	h, decided = h.recordSilence(until)
	change.ClosedSpans = append(change.ClosedSpans, decided...)
	old := h.Rule
	h.Rule = rule
	if rule.Calendar == nil && !h.CountedFrom.IsZero() {
		h.CountedFrom = laterOf(h.CountedFrom, h.LastPing) // an interval is counted from the ping itself
	}
	if h.Status == Paused || h.failurePersists() {
		return h, change
	}
	was := h
	if was.Status == Down {
		until = now
	}
	h, again := h.resetToLastPing(old).Evaluate(until)
	change.ClosedSpans = append(change.ClosedSpans, again.ClosedSpans...)
	again.ClosedSpans = change.ClosedSpans
	switch {
	case was.Status == Down && h.Status == Down:
		h.DownCause = was.DownCause
		return h, change
	case was.Status == Down:
		h.OpenIncident = ""
		change.Resolved = &Resolution{Reason: ResolvedByEdit, At: now, Incident: was.OpenIncident}
		return h, change
	case was.Status == Late && h.Status == Late:
		again.LateSince = change.LateSince // zero when it was told already
	}
	return h, again
}

// failurePersists reports whether it is down for what the job itself reported, and the
// rule does not bear that.
func (h Heartbeat) failurePersists() bool {
	switch h.DownCause {
	case CauseFailure:
		return h.FailedRuns >= h.Rule.alertThreshold()
	case CauseTooShort:
		return h.FailedRuns >= h.Rule.alertThreshold() && h.LastRunTime < h.Rule.MinRunTime
	}
	return false
}

// resetToLastPing returns the heartbeat as its last ping left it, before any silence. old
// is the rule that it was judged by until now.
func (h Heartbeat) resetToLastPing(old Rule) Heartbeat {
	if h.DownCause == CauseTooShort && h.LastRunTime >= h.Rule.MinRunTime {
		h.FailedRuns = 0
	}
	h.Status, h.DownCause, h.Tolerated = Up, "", ToleratedRuns{}
	if h.CountedFrom.IsZero() {
		h.Status = New // not yet pinged, or down by its very first run
	}
	if r := h.Rule; r.Early != old.Early || r.Grace != old.Grace || !r.Calendar.Equal(old.Calendar) {
		h.EarlySlot = time.Time{}
		if h.CountedFrom.Equal(h.LastPing) && !h.CountedFrom.IsZero() {
			h.EarlySlot = r.earlySlotAt(h.CountedFrom)
		}
	}
	runs := make([]ActiveRun, len(h.ActiveRuns))
	for i, r := range h.ActiveRuns {
		r.Overran = false
		runs[i] = r
	}
	h.ActiveRuns = runs
	return h
}

// Pause stops judging. An open incident is resolved, also one that nobody had
// noticed until now. Pings that arrived before the pause do not end it. Silence
// counts up to until, as in Amend.
func (h Heartbeat) Pause(now, until time.Time) (Heartbeat, Change) {
	if h.Status == Paused {
		return h, Change{}
	}
	h, change := h.stopMonitoring(ResolvedByPause, now, until)
	h.StaleBefore = laterOf(h.StaleBefore, now)
	return h, change
}

// Resume begins to judge again, counting from now: what was missed during the
// pause is nobody's fault. A heartbeat that never pinged is New again.
func (h Heartbeat) Resume(now time.Time) Heartbeat {
	if h.Status != Paused {
		return h
	}
	h.ActiveRuns, h.StaleBefore = nil, laterOf(h.StaleBefore, now)
	if h.LastPing.IsZero() {
		h.Status = New
		return h
	}
	h.Status, h.CountedFrom, h.EarlySlot, h.History.DecidedUntil = Up, now, h.pendingEarlySlot(now), laterOf(h.History.DecidedUntil, now)
	return h
}

// Delete ends it. An open incident is resolved, also one that nobody had
// noticed until now. Silence counts up to until, as in Amend.
func (h Heartbeat) Delete(now, until time.Time) (Heartbeat, Change) {
	h, change := h.stopMonitoring(ResolvedByDelete, now, until)
	h.Deleted = now
	return h, change
}

// stopMonitoring stops judging at now, after what lapsed by until.
func (h Heartbeat) stopMonitoring(how ResolutionReason, now, until time.Time) (Heartbeat, Change) {
	h, change := h.Evaluate(until)
	h, decided := h.recordSilence(until)
	change.ClosedSpans, change.LateSince = append(change.ClosedSpans, decided...), time.Time{}
	if h.Status == Down {
		change.Resolved = &Resolution{Reason: how, At: now, Incident: h.OpenIncident}
	}
	h.Status, h.ActiveRuns, h.OpenIncident, h.DownCause = Paused, nil, "", ""
	h.FailedRuns, h.Tolerated = 0, ToleratedRuns{}
	if !h.History.DecidedUntil.IsZero() {
		h.History.DecidedUntil = laterOf(h.History.DecidedUntil, now) // nothing is expected from here on
	}
	return h, change
}
