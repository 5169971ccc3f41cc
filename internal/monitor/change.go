package monitor

import "time"

// Amend returns the heartbeat under a new rule, judged anew from its last
// ping. An incident that the new rule would not have opened is resolved; one
// that was reported by the job itself stays.
//
// What lapsed under the old rule is noted first, as if a sweep had just looked.
func (h Heartbeat) Amend(rule Rule, now time.Time) (Heartbeat, Change) {
	h, change := h.Lapse(now)
	h.Rule = rule
	if h.Status == Paused || h.Cause == Failure {
		return h, change
	}
	was := h
	h, again := h.anew().Lapse(now)
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

// anew returns the heartbeat as its last ping left it, before any silence.
func (h Heartbeat) anew() Heartbeat {
	h.Status, h.Cause = Up, ""
	if h.From.IsZero() {
		h.Status = New // not yet pinged, or down by its very first run
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
// noticed until now. Pings that arrived before the pause do not end it.
func (h Heartbeat) Pause(now time.Time) (Heartbeat, Change) {
	if h.Status == Paused {
		return h, Change{}
	}
	h, change := h.end(PausedIt, now)
	h.Heard = later(h.Heard, now)
	return h, change
}

// Resume begins to judge again, counting from now: what was missed during the
// pause is nobody's fault. A heartbeat that never pinged is New again.
func (h Heartbeat) Resume(now time.Time) Heartbeat {
	if h.Status != Paused {
		return h
	}
	h.Runs = nil
	if h.LastPing.IsZero() {
		h.Status = New
		return h
	}
	h.Status, h.From, h.Heard = Up, now, later(h.Heard, now)
	return h
}

// Delete ends it. An open incident is resolved, also one that nobody had
// noticed until now.
func (h Heartbeat) Delete(now time.Time) (Heartbeat, Change) {
	h, change := h.end(Deleted, now)
	h.Deleted = now
	return h, change
}

// end stops judging, after what lapsed until now.
func (h Heartbeat) end(how Ending, now time.Time) (Heartbeat, Change) {
	h, change := h.Lapse(now)
	change.Late = time.Time{}
	if h.Status == Down {
		change.Resolved = &Resolution{How: how, At: now, Incident: h.Incident}
	}
	h.Status, h.Runs, h.Incident, h.Cause = Paused, nil, "", ""
	return h, change
}
