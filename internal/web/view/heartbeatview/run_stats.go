package heartbeatview

import (
	"time"

	"overdue/internal/web/view/ui"
)

// RunStats are the figures of the last 30 days. Counts, not percentages: "24
// of 27 runs" says how much is known. Good are the runs on time and those that
// were late, as in the uptime of the API; what was not watched is in neither.
type RunStats struct {
	Good, Late, Watched          int
	UsualRunTime, SlowestRunTime time.Duration // run times; 0 when not measured
	TimeDown                     time.Duration
	NotWatched                   int
}

// goodText is left out when nothing was watched: 0 of 0 says nothing.
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
