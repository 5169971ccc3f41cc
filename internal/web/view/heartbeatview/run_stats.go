package heartbeatview

import (
	"time"

	"overdue/internal/web/view/ui"
)

// RunStats are the figures of the last 30 days. They are counts and not
// percentages: "24 of 27 runs" shows how much is known. Good includes runs that
// were late, as the uptime of the API does. Runs that Overdue did not watch count
// as neither good nor watched.
type RunStats struct {
	Good, Late, Watched          int
	UsualRunTime, SlowestRunTime time.Duration // run times; 0 if not measured
	TimeDown                     time.Duration
	NotWatched                   int
}

// goodText is empty if no run was watched.
func (s RunStats) goodText() string {
	if s.Watched == 0 {
		return ""
	}
	return ui.Count(s.Good) + " of " + ui.Plural(s.Watched, "run") + ui.If(s.Late > 0, ", "+ui.Count(s.Late)+" late", "")
}

func (s RunStats) usualText() string {
	if s.UsualRunTime == 0 {
		return ""
	}
	return ui.RunTime(s.UsualRunTime) + ", slowest " + ui.RunTime(s.SlowestRunTime)
}

func (s RunStats) notWatchedText() string {
	if s.NotWatched == 0 {
		return ""
	}
	return ui.Plural(s.NotWatched, "run")
}
