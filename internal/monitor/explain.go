package monitor

import (
	"fmt"
	"time"

	"overdue/internal/schedule"
)

// formatTime writes a moment in a sentence. Sentences that are stored name the zone
// they are in, because they are read in any.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// explainOrigin says from where, and by which schedule, the next ping is due.
func (h Heartbeat) explainOrigin() string {
	from := "last ping " + formatTime(h.LastPing)
	switch {
	case h.CountedFrom.Before(h.LastPing):
		from += ", of a run that began too early for the slot " + formatTime(h.CountedFrom.Add(Precision))
	case !h.CountedFrom.Equal(h.LastPing):
		from = "resumed " + formatTime(h.CountedFrom)
	case h.EarlySlot.After(h.CountedFrom):
		from += ", early for the slot " + formatTime(h.EarlySlot)
	}
	if after := h.Tolerated.LastSlot; !after.IsZero() {
		from += "; the run of " + formatTime(after) + " was bad"
	}
	if h.Rule.Calendar != nil {
		return from + "; next slot of “" + h.Rule.Describe() + "”"
	}
	if !h.Tolerated.LastSlot.IsZero() {
		return from + "; + another interval " + schedule.FormatDuration(h.Rule.Interval)
	}
	return from + " + interval " + schedule.FormatDuration(h.Rule.Interval)
}

// explainDeadline is the arithmetic from the last ping to the deadline.
func (h Heartbeat) explainDeadline() string {
	due, last := h.Due(), h.alertingSlot()
	if due.IsZero() {
		return h.explainOrigin() + ": there is none any more"
	}
	text := h.explainOrigin() + " = due " + formatTime(due)
	if !last.Equal(due) && !last.IsZero() {
		text += fmt.Sprintf("; bad run number %d in a row is told, so the slot %s counts", h.Rule.alertThreshold(), formatTime(last))
	}
	if last.IsZero() {
		return text + "; too few slots are left for an incident"
	}
	return fmt.Sprintf("%s; + grace %s = deadline %s", text, schedule.FormatDuration(h.Rule.Grace), formatTime(h.Deadline()))
}

// explainMissed is the arithmetic of a missed ping.
func (h Heartbeat) explainMissed() string { return h.explainDeadline() + "; no ping came." }

// explainNeverPinged tells of a first ping that did not come.
func explainNeverPinged(by time.Time) string {
	return fmt.Sprintf("The first ping was expected by %s; none came.", formatTime(by))
}

// explainNotStarted is the arithmetic of a run that did not begin.
func (h Heartbeat) explainNotStarted(at time.Time) string {
	return fmt.Sprintf("%s = due %s; + start grace %s = %s; nothing had begun by then.",
		h.explainOrigin(), formatTime(h.Due()), schedule.FormatDuration(h.Rule.StartGrace), formatTime(at))
}

// explainOverran is the arithmetic of a run that took too long.
func (h Heartbeat) explainOverran(at time.Time) string {
	limit, name := h.Rule.runLimit(), "maximum run time"
	if h.Rule.MaxRunTime == 0 {
		name = "grace"
	}
	return fmt.Sprintf("started %s + %s %s = %s; no finish came.",
		formatTime(at.Add(-limit)), name, schedule.FormatDuration(limit), formatTime(at))
}

// explainFailure tells what the job reported.
func explainFailure(p Ping) string {
	if p.ExitCode > 0 {
		return fmt.Sprintf("The job reported exit code %d at %s.", p.ExitCode, formatTime(p.At))
	}
	return fmt.Sprintf("The job reported a failure at %s.", formatTime(p.At))
}

// explainTooShort tells of a success that came too soon after its start.
func (h Heartbeat) explainTooShort(p Ping) string {
	return fmt.Sprintf("The run that ended at %s took %s, less than the minimum run time %s.",
		formatTime(p.At), schedule.FormatDuration(p.RunTime), schedule.FormatDuration(h.Rule.MinRunTime))
}

// explainThreshold ends the reason for an incident where more than one bad run was needed.
func (h Heartbeat) explainThreshold(runs int) string {
	if h.Rule.alertThreshold() == 1 {
		return ""
	}
	return fmt.Sprintf(" That makes %d bad runs in a row; %d are told.", runs, h.Rule.alertThreshold())
}

// Why explains the status as of now in one sentence, and says how many bad runs
// are being borne.
func (h Heartbeat) Why(now time.Time) string {
	switch {
	case h.Status == New:
		return h.whyNew() + h.explainTolerated()
	case h.Status == Paused:
		return "It is paused: nothing is judged until it is resumed."
	case h.Status == Down:
		return h.whyDown()
	}
	return h.whyUp(now) + h.explainTolerated()
}

// whyNew explains New.
func (h Heartbeat) whyNew() string {
	came := "No ping has come since it was created"
	if !h.LastStart.IsZero() {
		came = fmt.Sprintf("No run has finished since it was created; the last one started at %s", formatTime(h.LastStart))
	}
	if by := h.firstPingDeadline(); !by.IsZero() {
		return fmt.Sprintf("%s; the first is expected by %s.", came, formatTime(by))
	}
	return came + ", so nothing is expected yet."
}

// whyUp explains Up and Late.
func (h Heartbeat) whyUp(now time.Time) string {
	by := h.StartDeadline()
	switch {
	case h.StatusAt(now) != Late:
		return "Up: " + h.explainDeadline() + "."
	case h.Rule.hasStartDeadline() && by.After(now):
		return fmt.Sprintf("Late: %s, which has not been reached; a run must have begun by due + start grace %s = %s.",
			h.explainDeadline(), schedule.FormatDuration(h.Rule.StartGrace), formatTime(by))
	case !h.Deadline().IsZero() && !h.Deadline().After(now) && h.missedAt().IsZero():
		return "Late: " + h.explainDeadline() + ", which has passed; but a run that began by then is in progress, within its time."
	}
	return "Late: " + h.explainDeadline() + ", which has not been reached."
}

// whyDown explains Down by what it is down for now.
func (h Heartbeat) whyDown() string {
	switch {
	case h.DownCause == CauseFailure:
		return fmt.Sprintf("Down, because the job reported a failure at %s.%s", formatTime(h.LastPing), h.explainThreshold(h.FailedRuns))
	case h.DownCause == CauseTooShort:
		return fmt.Sprintf("Down, because the run that ended at %s took %s, less than the minimum run time %s.%s",
			formatTime(h.LastPing), schedule.FormatDuration(h.LastRunTime), schedule.FormatDuration(h.Rule.MinRunTime), h.explainThreshold(h.FailedRuns))
	case h.DownCause == CauseOverran:
		return "Down, because a run took longer than it may: no finish came within " + schedule.FormatDuration(h.Rule.runLimit()) + " of its start."
	case h.DownCause == CauseNotStarted:
		return fmt.Sprintf("Down: %s = due %s; + start grace %s, and nothing had begun by then.",
			h.explainOrigin(), formatTime(h.Due()), schedule.FormatDuration(h.Rule.StartGrace))
	case h.CountedFrom.IsZero():
		return fmt.Sprintf("Down, because the first ping was expected by %s, and none came by then.", formatTime(h.Rule.ExpectFirstBy))
	}
	return "Down: " + h.explainDeadline() + ", and no ping came by then."
}

// explainTolerated tells how many bad runs in a row there were, where some are tolerated.
func (h Heartbeat) explainTolerated() string {
	if h.ConsecutiveFailures() == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of %d bad runs in a row: the incident opens with the last.", h.ConsecutiveFailures(), h.Rule.alertThreshold())
}
