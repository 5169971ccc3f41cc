package monitor

import (
	"fmt"
	"time"

	"overdue/internal/schedule"
)

// clock writes a moment in a sentence. Sentences that are stored name the zone
// they are in, because they are read in any.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// becauseMissed is the arithmetic of a missed ping.
func (h Heartbeat) becauseMissed() string {
	from := "last ping"
	if !h.From.Equal(h.LastPing) {
		from = "resumed"
	}
	return fmt.Sprintf("%s %s + interval %s = due %s; + grace %s = deadline %s; no ping came.",
		from, clock(h.From), schedule.Duration(h.Rule.Interval), clock(h.Due()),
		schedule.Duration(h.Rule.Grace), clock(h.Deadline()))
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

// Why explains the status as of now in one sentence.
func (h Heartbeat) Why(now time.Time) string {
	switch h.Status {
	case New:
		return "No ping has come since it was created, so nothing is expected yet."
	case Paused:
		return "It is paused: nothing is judged until it is resumed."
	}
	sum := fmt.Sprintf("last ping %s + interval %s = due %s; + grace %s = deadline %s",
		clock(h.From), schedule.Duration(h.Rule.Interval), clock(h.Due()),
		schedule.Duration(h.Rule.Grace), clock(h.Deadline()))
	if !h.From.Equal(h.LastPing) {
		sum = "resumed" + sum[len("last ping"):]
	}
	switch {
	case h.Status == Down && h.Cause == Failure:
		return fmt.Sprintf("Down, because the job reported a failure at %s.", clock(h.LastPing))
	case h.Status == Down && h.Cause == Overran:
		return "Down, because a run took longer than it may: no finish came within " + schedule.Duration(h.Rule.runLimit()) + " of its start."
	case h.Status == Down:
		return "Down: " + sum + ", and no ping came by then."
	case h.Shown(now) == Late && !h.Deadline().After(now) && h.silentAt().IsZero():
		return "Late: " + sum + ", which has passed; but a run that began by then is in progress, within its time."
	case h.Shown(now) == Late:
		return "Late: " + sum + ", which has not been reached."
	}
	return "Up: " + sum + "."
}
