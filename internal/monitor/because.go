package monitor

import (
	"fmt"
	"time"

	"overdue/internal/schedule"
)

// clock writes a moment in a sentence. Sentences that are stored name the zone
// they are in, because they are read in any.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// origin says from where, and by which schedule, the next ping is due.
func (h Heartbeat) origin() string {
	from := "last ping " + clock(h.LastPing)
	switch {
	case h.From.Before(h.LastPing):
		from += ", of a run that began too early for the slot " + clock(h.From.Add(Tick))
	case !h.From.Equal(h.LastPing):
		from = "resumed " + clock(h.From)
	case h.Slot.After(h.From):
		from += ", early for the slot " + clock(h.Slot)
	}
	if after := h.Lapsed.Slot; !after.IsZero() {
		from += "; the run of " + clock(after) + " was bad"
	}
	if h.Rule.Calendar != nil {
		return from + "; next slot of “" + h.Rule.Words() + "”"
	}
	if !h.Lapsed.Slot.IsZero() {
		return from + "; + another interval " + schedule.Duration(h.Rule.Interval)
	}
	return from + " + interval " + schedule.Duration(h.Rule.Interval)
}

// sum is the arithmetic from the last ping to the deadline.
func (h Heartbeat) sum() string {
	due, last := h.Due(), h.lastChance()
	if due.IsZero() {
		return h.origin() + ": there is none any more"
	}
	text := h.origin() + " = due " + clock(due)
	if !last.Equal(due) && !last.IsZero() {
		text += fmt.Sprintf("; bad run number %d in a row is told, so the slot %s counts", h.Rule.alertAfter(), clock(last))
	}
	if last.IsZero() {
		return text + "; too few slots are left for an incident"
	}
	return fmt.Sprintf("%s; + grace %s = deadline %s", text, schedule.Duration(h.Rule.Grace), clock(h.Deadline()))
}

// becauseMissed is the arithmetic of a missed ping.
func (h Heartbeat) becauseMissed() string { return h.sum() + "; no ping came." }

// becauseNever tells of a first ping that did not come.
func becauseNever(by time.Time) string {
	return fmt.Sprintf("The first ping was expected by %s; none came.", clock(by))
}

// becauseNotStarted is the arithmetic of a run that did not begin.
func (h Heartbeat) becauseNotStarted(at time.Time) string {
	return fmt.Sprintf("%s = due %s; + start grace %s = %s; nothing had begun by then.",
		h.origin(), clock(h.Due()), schedule.Duration(h.Rule.StartGrace), clock(at))
}

// becauseOverran is the arithmetic of a run that took too long.
func (h Heartbeat) becauseOverran(at time.Time) string {
	limit, name := h.Rule.runLimit(), "maximum run time"
	if h.Rule.MaxRunTime == 0 {
		name = "grace"
	}
	return fmt.Sprintf("started %s + %s %s = %s; no finish came.",
		clock(at.Add(-limit)), name, schedule.Duration(limit), clock(at))
}

// becauseFailed tells what the job reported.
func becauseFailed(p Ping) string {
	if p.ExitCode > 0 {
		return fmt.Sprintf("The job reported exit code %d at %s.", p.ExitCode, clock(p.At))
	}
	return fmt.Sprintf("The job reported a failure at %s.", clock(p.At))
}

// becauseTooShort tells of a success that came too soon after its start.
func (h Heartbeat) becauseTooShort(p Ping) string {
	return fmt.Sprintf("The run that ended at %s took %s, less than the minimum run time %s.",
		clock(p.At), schedule.Duration(p.RunTime), schedule.Duration(h.Rule.MinRunTime))
}

// inARow ends the reason for an incident where more than one bad run was needed.
func (h Heartbeat) inARow(runs int) string {
	if h.Rule.alertAfter() == 1 {
		return ""
	}
	return fmt.Sprintf(" That makes %d bad runs in a row; %d are told.", runs, h.Rule.alertAfter())
}

// Why explains the status as of now in one sentence, and says how many bad runs
// are being borne.
func (h Heartbeat) Why(now time.Time) string {
	switch {
	case h.Status == New:
		return h.whyNew() + h.borne()
	case h.Status == Paused:
		return "It is paused: nothing is judged until it is resumed."
	case h.Status == Down:
		return h.whyDown()
	}
	return h.whyUp(now) + h.borne()
}

// whyNew explains New.
func (h Heartbeat) whyNew() string {
	came := "No ping has come since it was created"
	if !h.Began.IsZero() {
		came = fmt.Sprintf("No run has finished since it was created; the last one started at %s", clock(h.Began))
	}
	if by := h.firstBy(); !by.IsZero() {
		return fmt.Sprintf("%s; the first is expected by %s.", came, clock(by))
	}
	return came + ", so nothing is expected yet."
}

// whyUp explains Up and Late.
func (h Heartbeat) whyUp(now time.Time) string {
	by := h.StartBy()
	switch {
	case h.Shown(now) != Late:
		return "Up: " + h.sum() + "."
	case h.Rule.startClock() && by.After(now):
		return fmt.Sprintf("Late: %s, which has not been reached; a run must have begun by due + start grace %s = %s.",
			h.sum(), schedule.Duration(h.Rule.StartGrace), clock(by))
	case !h.Deadline().IsZero() && !h.Deadline().After(now) && h.silentAt().IsZero():
		return "Late: " + h.sum() + ", which has passed; but a run that began by then is in progress, within its time."
	}
	return "Late: " + h.sum() + ", which has not been reached."
}

// whyDown explains Down by what it is down for now.
func (h Heartbeat) whyDown() string {
	switch {
	case h.Cause == Failure:
		return fmt.Sprintf("Down, because the job reported a failure at %s.%s", clock(h.LastPing), h.inARow(h.Bad))
	case h.Cause == TooShort:
		return fmt.Sprintf("Down, because the run that ended at %s took %s, less than the minimum run time %s.%s",
			clock(h.LastPing), schedule.Duration(h.RunTime), schedule.Duration(h.Rule.MinRunTime), h.inARow(h.Bad))
	case h.Cause == Overran:
		return "Down, because a run took longer than it may: no finish came within " + schedule.Duration(h.Rule.runLimit()) + " of its start."
	case h.Cause == NotStarted:
		return fmt.Sprintf("Down: %s = due %s; + start grace %s, and nothing had begun by then.",
			h.origin(), clock(h.Due()), schedule.Duration(h.Rule.StartGrace))
	case h.From.IsZero():
		return fmt.Sprintf("Down, because the first ping was expected by %s, and none came by then.", clock(h.Rule.ExpectFirstBy))
	}
	return "Down: " + h.sum() + ", and no ping came by then."
}

// borne tells how many bad runs in a row there were, where some are tolerated.
func (h Heartbeat) borne() string {
	if h.BadRuns() == 0 {
		return ""
	}
	return fmt.Sprintf(" %d of %d bad runs in a row: the incident opens with the last.", h.BadRuns(), h.Rule.alertAfter())
}
