package monitor

import (
	"fmt"
	"slices"
	"time"

	"overdue/internal/schedule"
)

// formatTime formats a time for a sentence. Sentences are stored, and people in any zone read them,
// so they name the zone.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// explainOrigin describes where the wait for the next ping starts, and by which schedule.
func (h Heartbeat) explainOrigin() string {
	if h.Rule.Instances != AnyHost {
		return h.explainHosts() + " + interval " + schedule.FormatDuration(h.Rule.Interval)
	}
	from := "last ping " + formatTime(h.LastPing)
	b, unwatched := h.CountsFromBlackout()
	excused, afterWindow := h.countsFromWindow()
	switch {
	case afterWindow:
		from = fmt.Sprintf("maintenance from %s to %s excused the run that was expected", formatTime(excused.From), formatTime(excused.To))
		if h.Rule.Calendar == nil {
			from += "; " + formatTime(excused.To)
		}
	case unwatched:
		from = fmt.Sprintf("Overdue was not watching from %s to %s, so the run that was expected is unknown", formatTime(b.From), formatTime(b.To))
		if h.Rule.Calendar == nil {
			from += "; " + formatTime(b.To)
		}
	case h.CountedFrom.Before(h.LastPing):
		from += ", for a run that started too early for the slot " + formatTime(h.CountedFrom.Add(Precision))
	case !h.CountedFrom.Equal(h.LastPing):
		from = "resumed " + formatTime(h.CountedFrom)
	case h.EarlySlot.After(h.CountedFrom):
		from += ", early for the slot " + formatTime(h.EarlySlot)
	}
	if after := h.Tolerated.LastSlot; !after.IsZero() {
		from += "; the run of " + formatTime(after) + " failed"
	}
	if h.Rule.Calendar != nil {
		return from + "; next slot of “" + h.Rule.Describe() + "”"
	}
	if !h.Tolerated.LastSlot.IsZero() {
		return from + "; + another interval " + schedule.FormatDuration(h.Rule.Interval)
	}
	return from + " + interval " + schedule.FormatDuration(h.Rule.Interval)
}

// explainDeadline shows the calculation from the last ping to the deadline.
func (h Heartbeat) explainDeadline() string {
	due, last := h.due(), h.alertingSlot()
	if due.IsZero() {
		return h.explainOrigin() + ": there are no further slots"
	}
	text := h.explainOrigin() + " = due " + formatTime(due)
	if !last.Equal(due) && !last.IsZero() {
		text += fmt.Sprintf("; the incident opens with failed run %d in a row, at slot %s", h.Rule.alertThreshold(), formatTime(last))
	}
	if last.IsZero() {
		return text + "; too few slots remain to open an incident"
	}
	return fmt.Sprintf("%s; + grace %s%s = deadline %s", text, schedule.FormatDuration(h.Rule.Grace), h.explainCredit(), formatTime(h.deadline()))
}

// CountsFromBlackout returns the blackout from whose end the wait counts, because the expected run
// or a run in progress was unknown.
func (h Heartbeat) CountsFromBlackout() (b Blackout, ok bool) {
	if b = h.Blackout.RestartedAfter; b.Key > 0 && h.CountedFrom.Equal(b.To) {
		return b, true
	}
	i := slices.IndexFunc(h.Blackouts, func(b Blackout) bool { return h.CountedFrom.Equal(b.To) })
	if i < 0 {
		return Blackout{}, false
	}
	return h.Blackouts[i], true
}

// explainCredit describes how much later a deadline is because Overdue was not watching, or because of
// maintenance. Otherwise, it returns "".
func (h Heartbeat) explainCredit() string {
	text := ""
	if h.Blackout.Credit != 0 {
		text = explainUnwatched(h.Blackout.Credit)
	}
	if m := h.Maintenance; m != nil && m.Credit != 0 {
		text += explainExcused(m.Credit)
	}
	return text
}

// explainUnwatched describes the time by which a short blackout moves a deadline.
func explainUnwatched(d time.Duration) string {
	return " + " + schedule.FormatDuration(max(d.Round(time.Second), time.Second)) + " in which Overdue was not watching"
}

// explainMissed explains a missed ping.
func (h Heartbeat) explainMissed() string {
	if h.Rule.Instances != AnyHost {
		return h.explainDeadline() + "; " + h.explainMissingHosts() + "."
	}
	return h.explainDeadline() + "; no ping arrived."
}

// explainNeverPinged explains a first ping that did not arrive.
func explainNeverPinged(by time.Time) string {
	return fmt.Sprintf("The first ping was expected by %s; none arrived.", formatTime(by))
}

// explainNotStarted explains a run that did not start by at.
func (h Heartbeat) explainNotStarted(at time.Time) string {
	return fmt.Sprintf("%s = due %s; + start grace %s = %s; no run had started by then.",
		h.explainOrigin(), formatTime(h.due()), schedule.FormatDuration(h.Rule.StartGrace)+h.explainCredit(), formatTime(at))
}

// explainOverran explains a run that exceeded its time limit at at.
func (h Heartbeat) explainOverran(at time.Time) string {
	limit, name := h.Rule.runLimit(), "maximum run time"
	if h.Rule.MaxRunTime == 0 {
		name = "grace"
	}
	text := fmt.Sprintf("started %s + %s %s", formatTime(h.startedBy(at)), name, schedule.FormatDuration(limit))
	switch credit, m := at.Sub(h.startedBy(at))-limit, h.Maintenance; {
	case credit > 0 && m != nil && m.Applied.After(h.startedBy(at)):
		text += explainExcused(credit)
	case credit > 0:
		text += explainUnwatched(credit)
	}
	return fmt.Sprintf("%s = %s; no finish arrived.", text, formatTime(at))
}

// explainFailure describes what the job reported.
func explainFailure(p Ping) string {
	if p.ExitCode > 0 {
		return fmt.Sprintf("The job reported exit code %d at %s.", p.ExitCode, formatTime(p.At))
	}
	return fmt.Sprintf("The job reported a failure at %s.", formatTime(p.At))
}

// explainTooShort explains a success that came too soon after its start.
func (h Heartbeat) explainTooShort(p Ping) string {
	return fmt.Sprintf("The run that ended at %s took %s, less than the minimum run time %s.",
		formatTime(p.At), schedule.FormatDuration(p.RunTime), schedule.FormatDuration(h.Rule.MinRunTime))
}

// explainThreshold ends the reason of an incident that needed more than one failed run.
func (h Heartbeat) explainThreshold(runs int) string {
	if h.Rule.alertThreshold() == 1 {
		return ""
	}
	return " " + failuresOf(runs, h.Rule.alertThreshold())
}

// Why explains the status at now, how many failed runs are tolerated so far, and why no alerts are
// sent.
func (h Heartbeat) Why(now time.Time) string {
	text := h.whyStatus(now) + h.explainHostLimit() + h.ExplainMaintenance(now)
	if mute := h.ExplainMute(now); mute != "" {
		text += " No alerts are sent: " + mute + "."
	}
	if flaps := h.ExplainFlapping(now); flaps != "" {
		text += " No alerts are sent: " + flaps + "."
	}
	return text
}

// whyStatus explains the status at now, and how many failed runs are tolerated so far.
func (h Heartbeat) whyStatus(now time.Time) string {
	switch {
	case h.Status == New:
		return h.whyNew() + h.explainTolerated()
	case h.Status == Paused:
		return "Paused: it is not monitored until it is resumed."
	case h.Status == Down:
		return h.whyDown()
	}
	return h.whyUp(now) + h.explainTolerated()
}

// whyNew explains the status New.
func (h Heartbeat) whyNew() string {
	came := "No ping has arrived since it was created"
	if !h.LastStart.IsZero() {
		came = fmt.Sprintf("No run has finished since it was created; the last one started at %s", formatTime(h.LastStart))
	}
	if by := h.firstPingDeadline(); !by.IsZero() {
		return fmt.Sprintf("%s; the first is expected by %s.", came, formatTime(by))
	}
	return came + ", so nothing is expected yet."
}

// whyUp explains the statuses Up and Late.
func (h Heartbeat) whyUp(now time.Time) string {
	by := h.startDeadline()
	switch {
	case h.StatusAt(now) != Late:
		return "Up: " + h.explainDeadline() + "."
	case h.Rule.hasStartDeadline() && by.After(now):
		return fmt.Sprintf("Late: %s, which is not reached yet; a run must start by due + start grace %s = %s.",
			h.explainDeadline(), schedule.FormatDuration(h.Rule.StartGrace)+h.explainCredit(), formatTime(by))
	case !h.deadline().IsZero() && !h.deadline().After(now) && h.missedAt().IsZero():
		return "Late: " + h.explainDeadline() + ", which has passed, but a run that started before it is in progress and within its time limit."
	}
	return "Late: " + h.explainDeadline() + ", which is not reached yet."
}

// whyDown explains the status Down by its current cause.
func (h Heartbeat) whyDown() string {
	switch {
	case h.DownCause == CauseFailure && h.Rule.Instances != AnyHost:
		return "Down: a host reported a failure: " + h.explainHosts() + "; " + h.explainMissingHosts() + "."
	case h.DownCause == CauseFailure:
		return fmt.Sprintf("Down: the job reported a failure at %s.%s", formatTime(h.LastPing), h.explainThreshold(h.FailedRuns))
	case h.DownCause == CauseTooShort:
		return fmt.Sprintf("Down: the run that ended at %s took %s, less than the minimum run time %s.%s",
			formatTime(h.LastPing), schedule.FormatDuration(h.LastRunTime), schedule.FormatDuration(h.Rule.MinRunTime), h.explainThreshold(h.FailedRuns))
	case h.DownCause == CauseOverran:
		return "Down: a run exceeded its time limit: no finish arrived within " + schedule.FormatDuration(h.Rule.runLimit()) + " of its start."
	case h.DownCause == CauseNotStarted:
		return fmt.Sprintf("Down: %s = due %s; + start grace %s, and no run had started by then.",
			h.explainOrigin(), formatTime(h.due()), schedule.FormatDuration(h.Rule.StartGrace)+h.explainCredit())
	case h.CountedFrom.IsZero():
		return fmt.Sprintf("Down: the first ping was expected by %s, and none arrived by then.", formatTime(h.Rule.ExpectFirstBy.Add(h.credit())))
	}
	if h.Rule.Instances != AnyHost {
		return "Down: " + h.explainDeadline() + "; " + h.explainMissingHosts() + "."
	}
	return "Down: " + h.explainDeadline() + ", and no ping arrived by then."
}

// explainTolerated returns a text with the number of consecutive failed runs that are tolerated so far, or "" if none
// are.
func (h Heartbeat) explainTolerated() string {
	if h.consecutiveFailures() == 0 {
		return ""
	}
	return " " + failuresOf(h.consecutiveFailures(), h.Rule.alertThreshold())
}

// failuresOf is the count of failed runs next to the number that opens an incident.
func failuresOf(runs, threshold int) string {
	noun := "runs"
	if runs == 1 {
		noun = "run"
	}
	return fmt.Sprintf("%d consecutive failed %s (alert threshold: %d).", runs, noun, threshold)
}

// PublicDetail returns the cause in one sentence, without what the database or the disk reported:
// that can contain addresses and paths.
func (b Blackout) PublicDetail() string {
	switch {
	case b.Cause == BlackoutDatabase:
		return "The database did not store pings."
	case b.Cause == BlackoutDisk:
		return "The disk did not store pings."
	}
	return b.Detail
}
