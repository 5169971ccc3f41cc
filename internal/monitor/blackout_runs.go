package monitor

import (
	"slices"
	"time"
)

// applyBlackoutToRuns takes a blackout into account for the runs in progress: their end may have
// been reported in it.
func (h Heartbeat) applyBlackoutToRuns(b Blackout) (Heartbeat, BlackoutEffect) {
	var effect BlackoutEffect
	limit := h.Rule.runLimit()
	if limit == 0 || len(h.ActiveRuns) == 0 {
		return h, effect
	}
	runs := slices.Clone(h.ActiveRuns)
	for i, r := range runs {
		if r.Overran || !b.touches(r.StartedAt, r.deadline(limit)) {
			continue
		}
		kind := BlackoutMoved
		if b.minor(limit) {
			r.Credit += b.Length()
		} else {
			kind, r.UnwatchedUntil = BlackoutUnknown, b.To
		}
		runs[i] = r
		if effect.Kind == "" || kind == BlackoutUnknown {
			effect = BlackoutEffect{Kind: kind, Due: h.due(), Next: h.nextAfterRun(r, b)}
		}
	}
	h.ActiveRuns = runs
	return h, effect
}

// nextAfterRun returns when a run in progress is evaluated after a blackout: at its time limit, or,
// if that has passed, when the next ping is due.
func (h Heartbeat) nextAfterRun(r ActiveRun, b Blackout) time.Time {
	next := r.deadline(h.Rule.runLimit())
	if !r.UnwatchedUntil.Equal(b.To) || next.After(b.To) {
		return next
	}
	if h.Status == New {
		return time.Time{}
	}
	return h.slotFrom(b.To)
}

// runUnknown ends the runs that reached their time limit at at, and during which Overdue was not
// watching: whether they ended in time is unknown. The wait counts from the end of the blackout.
func (h Heartbeat) runUnknown(at time.Time, change Change) (Heartbeat, Change) {
	limit, before := h.Rule.runLimit(), h
	var until time.Time
	h.ActiveRuns = slices.DeleteFunc(slices.Clone(h.ActiveRuns), func(r ActiveRun) bool {
		ends := !r.Overran && !r.deadline(limit).After(at)
		if ends {
			until = laterOf(until, r.UnwatchedUntil)
		}
		return ends
	})
	if h.Status == New {
		return h, change
	}
	h, r := h.assign(finishedRun{endedAt: at, startedAt: before.startedBy(at), failure: RunUnknown, activeRuns: before.ActiveRuns})
	change.ClosedSpans = append(change.ClosedSpans, r.closedSpans...)
	h.FailedRuns, h.Tolerated = h.consecutiveFailures()+r.missed, ToleratedRuns{}
	h.CountedFrom = laterOf(h.CountedFrom, until)
	if h.Rule.Calendar != nil {
		h.CountedFrom = laterOf(h.CountedFrom, r.lastSlot)
	}
	if due := h.due(); h.Status == Late && due.After(at) {
		h.Status, change.LateSince = Up, time.Time{}
	}
	return h, change
}

// startedBy returns the start of the run whose deadline is at at.
func (h *Heartbeat) startedBy(at time.Time) time.Time {
	for _, r := range h.ActiveRuns {
		if !r.Overran && r.deadline(h.Rule.runLimit()).Equal(at) {
			return r.StartedAt
		}
	}
	return time.Time{}
}

// unwatchedRunEnds reports whether all runs that reach their time limit at at may have ended in a
// blackout.
func (h *Heartbeat) unwatchedRunEnds(at time.Time) bool {
	limit := h.Rule.runLimit()
	return !slices.ContainsFunc(h.ActiveRuns, func(r ActiveRun) bool {
		return !r.Overran && r.UnwatchedUntil.IsZero() && !r.deadline(limit).After(at)
	})
}
