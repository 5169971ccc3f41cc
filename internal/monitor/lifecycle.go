package monitor

import "time"

// ChangeRule returns the heartbeat with a new rule, evaluated again from its last ping. It resolves
// an incident that the new rule would not have opened. An incident that the job itself reported
// stays open, unless the new rule would have tolerated that failure. Failures tolerated so far open
// no incident by themselves.
//
// Deadlines of the old rule that passed by the watermark are applied first, as if Evaluate had just
// run, and stay in the run history.
//
// Silence counts only up to the watermark, which is now or earlier: a ping that arrived after it
// is possibly not stored yet. The next Evaluate applies the time between the watermark and now, under
// the new rule. An open incident needs no such care: a ping that is not stored yet resolves it when
// it is stored. So the incident is compared with the new rule as of now.
func (h Heartbeat) ChangeRule(rule Rule, now, until time.Time) (Heartbeat, Change) {
	h, change := h.Evaluate(until)
	var decided []Span
	h, decided = h.recordSilence(until)
	change.ClosedSpans = append(change.ClosedSpans, decided...)
	old := h.Rule
	h.Rule = rule
	h = h.recount(old.Instances)
	if h.Status == Paused || h.failurePersists() {
		return h, change
	}
	was := h
	if was.Status == Down {
		until = now
	}
	h, again := h.resetToLastPing(old).Evaluate(until)
	change.ClosedSpans = append(change.ClosedSpans, again.ClosedSpans...)
	change.BlackoutEffects = append(change.BlackoutEffects, again.BlackoutEffects...)
	again.ClosedSpans, again.BlackoutEffects = change.ClosedSpans, change.BlackoutEffects
	switch {
	case was.Status == Down && h.Status == Down:
		h.DownCause = was.DownCause
		return h, change
	case was.Status == Down:
		h.OpenIncident = ""
		change.Resolved = &Resolution{Reason: ResolvedByEdit, At: now, Incident: was.OpenIncident}
		return h, change
	case was.Status == Late && h.Status == Late:
		again.LateSince = change.LateSince // zero if it was already reported
	}
	return h, again
}

// failurePersists reports whether the heartbeat is down because of a failure that the job reported,
// and the rule does not tolerate it.
func (h Heartbeat) failurePersists() bool {
	switch h.DownCause {
	case CauseFailure:
		return h.FailedRuns >= h.Rule.alertThreshold()
	case CauseTooShort:
		return h.FailedRuns >= h.Rule.alertThreshold() && h.LastRunTime < h.Rule.MinRunTime
	}
	return false
}

// resetToLastPing returns the heartbeat as its last ping left it, before any silence. old is the
// rule that applied until now.
func (h Heartbeat) resetToLastPing(old Rule) Heartbeat {
	if h.DownCause == CauseTooShort && h.LastRunTime >= h.Rule.MinRunTime {
		h.FailedRuns = 0
	}
	h.Status, h.DownCause, h.Tolerated = Up, "", ToleratedRuns{}
	if h.CountedFrom.IsZero() {
		h.Status = New // never pinged, or down since its first run
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
	return h.withoutMaintenance().withoutBlackouts()
}

// Pause stops the evaluation. It resolves an open incident, including one that opens only now
// because its deadline has passed. Pings that arrived before the pause do not end it. Silence
// counts only up to the watermark, as in ChangeRule.
func (h Heartbeat) Pause(now, until time.Time) (Heartbeat, Change) {
	if h.Status == Paused {
		return h, Change{}
	}
	h, change := h.stopMonitoring(ResolvedByPause, now, until)
	h.StaleBefore = laterOf(h.StaleBefore, now)
	return h, change
}

// Resume starts the evaluation again from now, so slots during the pause are not missed. A
// heartbeat without any ping is New again.
func (h Heartbeat) Resume(now time.Time) Heartbeat {
	if h.Status != Paused {
		return h
	}
	h.ActiveRuns, h.StaleBefore, h.Blackout = nil, laterOf(h.StaleBefore, now), BlackoutState{}
	h = h.maintenanceAfterStop()
	if h.LastPing.IsZero() {
		h.Status = New
		return h
	}
	h.Status, h.CountedFrom, h.EarlySlot, h.History.DecidedUntil = Up, now, h.pendingEarlySlot(now), laterOf(h.History.DecidedUntil, now)
	return h
}

// Delete marks the heartbeat as deleted. It resolves an open incident, including one that opens
// only now because its deadline has passed. Silence counts only up to the watermark, as in
// ChangeRule.
func (h Heartbeat) Delete(now, until time.Time) (Heartbeat, Change) {
	h, change := h.stopMonitoring(ResolvedByDelete, now, until)
	h.Deleted = now
	return h, change
}

// stopMonitoring stops the evaluation at now, after it applied the deadlines up to the watermark.
func (h Heartbeat) stopMonitoring(how ResolutionReason, now, until time.Time) (Heartbeat, Change) {
	h, change := h.Evaluate(until)
	h, decided := h.recordSilence(until)
	change.ClosedSpans, change.LateSince = append(change.ClosedSpans, decided...), time.Time{}
	if h.Status == Down {
		change.Resolved = &Resolution{Reason: how, At: now, Incident: h.OpenIncident}
	}
	h.Status, h.ActiveRuns, h.OpenIncident, h.DownCause = Paused, nil, "", ""
	h.FailedRuns, h.Tolerated, h.Blackout = 0, ToleratedRuns{}, BlackoutState{}
	h = h.maintenanceAfterStop()
	if !h.History.DecidedUntil.IsZero() {
		h.History.DecidedUntil = laterOf(h.History.DecidedUntil, now) // nothing is expected after this
	}
	return h, change
}

// MutedUntilUnmuted is the end of a mute that only a user ends.
var MutedUntilUnmuted = time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC)

// Muted reports whether the alerts of the heartbeat are muted at now. A muted heartbeat is evaluated
// as always, and its incidents open and are resolved. Only alerts wait:
//
//	opening, reminder                    wait for the end of the mute
//	late                                 is left out
//	acknowledgement, resolution          are sent to channels that received the opening
//
// So a failure that lasts longer than the mute is announced at its end, one that is over is not
// announced, and no one works on a failure that is over.
func (h Heartbeat) Muted(now time.Time) bool { return now.Before(h.MutedUntil) }

// Mutes reports whether a mute at now holds an alert back that was never attempted. An alert that
// was attempted may have arrived, so its retries continue.
func (h Heartbeat) Mutes(e Event, now time.Time) bool {
	return h.Muted(now) && (e == IncidentOpened || e == IncidentReminder || e == HeartbeatLate)
}

// applyMute returns those of the alerts of a change that are sent, with their times.
func (h Heartbeat) applyMute(alerts []Alert, change Change, now time.Time) []Alert {
	if !h.Muted(now) || len(alerts) == 0 {
		return alerts
	}
	sent := alerts[:0]
	for _, a := range alerts {
		switch {
		case a.Event == HeartbeatLate, a.Incident != "" && change.Opened != nil && change.Resolved != nil:
			continue // it is over already
		case h.Mutes(a.Event, now):
			a = a.HeldUntil(h.MutedUntil, now)
		}
		sent = append(sent, a)
	}
	return sent
}

// HeldUntil returns a new alert that waits until a time. A later step of a policy waits longer, because
// the policy counts from the opening.
func (a Alert) HeldUntil(until, now time.Time) Alert {
	a.NextAttempt = a.NextAttempt.Add(until.Sub(now))
	a.Created, a.NotBefore = until, until
	if _, ok := a.Escalation(); ok {
		a.Created, a.NotBefore = a.NextAttempt, a.NextAttempt
	}
	return a
}

// ExplainMute describes a mute, or returns "" if the alerts are not muted at now.
func (h Heartbeat) ExplainMute(now time.Time) string {
	switch {
	case !h.Muted(now):
		return ""
	case h.MutedUntil.Equal(MutedUntilUnmuted):
		return "alerts of this heartbeat are muted until someone unmutes them"
	}
	return "alerts of this heartbeat are muted until " + formatTime(h.MutedUntil)
}
