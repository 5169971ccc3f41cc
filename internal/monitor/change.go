package monitor

import "time"

// Amend returns the heartbeat under a new rule, judged anew from its last
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
func (h Heartbeat) Amend(rule Rule, now, until time.Time) (Heartbeat, Change) {
	h, change := h.Lapse(until)
	var decided []Stretch
	h, decided = h.settle(until)
	change.Decided = append(change.Decided, decided...)
	old := h.Rule
	h.Rule = rule
	if rule.Calendar == nil && !h.From.IsZero() {
		h.From = later(h.From, h.LastPing) // an interval is counted from the ping itself
	}
	if h.Status == Paused || h.stands() {
		return h, change
	}
	was := h
	if was.Status == Down {
		until = now
	}
	h, again := h.anew(old).Lapse(until)
	change.Decided = append(change.Decided, again.Decided...)
	again.Decided = change.Decided
	switch {
	case was.Status == Down && h.Status == Down:
		h.Cause = was.Cause
		return h, change
	case was.Status == Down:
		h.Incident = ""
		change.Resolved = &Resolution{How: Edited, At: now, Incident: was.Incident}
		return h, change
	case was.Status == Late && h.Status == Late:
		again.Late = change.Late // zero when it was told already
	}
	return h, again
}

// stands reports whether it is down for what the job itself reported, and the
// rule does not bear that.
func (h Heartbeat) stands() bool {
	switch h.Cause {
	case Failure:
		return h.Bad >= h.Rule.alertAfter()
	case TooShort:
		return h.Bad >= h.Rule.alertAfter() && h.RunTime < h.Rule.MinRunTime
	}
	return false
}

// anew returns the heartbeat as its last ping left it, before any silence. old
// is the rule that it was judged by until now.
func (h Heartbeat) anew(old Rule) Heartbeat {
	if h.Cause == TooShort && h.RunTime >= h.Rule.MinRunTime {
		h.Bad = 0
	}
	h.Status, h.Cause, h.Lapsed = Up, "", Lapsed{}
	if h.From.IsZero() {
		h.Status = New // not yet pinged, or down by its very first run
	}
	if r := h.Rule; r.Early != old.Early || r.Grace != old.Grace || !r.Calendar.Equal(old.Calendar) {
		h.Slot = time.Time{}
		if h.From.Equal(h.LastPing) && !h.From.IsZero() {
			h.Slot = r.earlyFor(h.From)
		}
	}
	runs := make([]Run, len(h.Runs))
	for i, r := range h.Runs {
		r.Lost = false
		runs[i] = r
	}
	h.Runs = runs
	return h
}

// Pause stops judging. An open incident is resolved, also one that nobody had
// noticed until now. Pings that arrived before the pause do not end it. Silence
// counts up to until, as in Amend.
func (h Heartbeat) Pause(now, until time.Time) (Heartbeat, Change) {
	if h.Status == Paused {
		return h, Change{}
	}
	h, change := h.end(PausedIt, now, until)
	h.Heard = later(h.Heard, now)
	return h, change
}

// Resume begins to judge again, counting from now: what was missed during the
// pause is nobody's fault. A heartbeat that never pinged is New again.
func (h Heartbeat) Resume(now time.Time) Heartbeat {
	if h.Status != Paused {
		return h
	}
	h.Runs, h.Heard = nil, later(h.Heard, now)
	if h.LastPing.IsZero() {
		h.Status = New
		return h
	}
	h.Status, h.From, h.Slot, h.Ledger.Until = Up, now, h.stillAhead(now), later(h.Ledger.Until, now)
	return h
}

// Delete ends it. An open incident is resolved, also one that nobody had
// noticed until now. Silence counts up to until, as in Amend.
func (h Heartbeat) Delete(now, until time.Time) (Heartbeat, Change) {
	h, change := h.end(Deleted, now, until)
	h.Deleted = now
	return h, change
}

// end stops judging at now, after what lapsed by until.
func (h Heartbeat) end(how Ending, now, until time.Time) (Heartbeat, Change) {
	h, change := h.Lapse(until)
	h, decided := h.settle(until)
	change.Decided, change.Late = append(change.Decided, decided...), time.Time{}
	if h.Status == Down {
		change.Resolved = &Resolution{How: how, At: now, Incident: h.Incident}
	}
	h.Status, h.Runs, h.Incident, h.Cause = Paused, nil, "", ""
	h.Bad, h.Lapsed = 0, Lapsed{}
	if !h.Ledger.Until.IsZero() {
		h.Ledger.Until = later(h.Ledger.Until, now) // nothing is expected from here on
	}
	return h, change
}
