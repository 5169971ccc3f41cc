package heartbeatview

import (
	"time"

	"overdue/internal/web/view/ui"
)

// RunStats are the figures of the last 30 days. They are counts and not
// percentages: "24 of 27 watched" shows how much is known. Good includes runs that
// were late, as the uptime of the API does. Runs that Overdue did not watch count
// as neither good nor watched.
type RunStats struct {
	Good, Late, Watched int
	UsualRunTime        time.Duration // half of the runs take up to this; 0 if not measured
	MostRunTime         time.Duration // 95 % of the runs take up to this
	SlowestRunTime      time.Duration
	TimeDown            time.Duration
	GrowingSince        time.Time // while the heartbeat is Down: TimeDown before now; otherwise zero
	NotWatched          int
}

// goodText is empty if no run was watched.
func (s RunStats) goodText() string {
	if s.Watched == 0 {
		return ""
	}
	return ui.Count(s.Good) + " of " + ui.Count(s.Watched) + " watched"
}

// lateText returns a text with the number of successful runs that were late.
func (s RunStats) lateText() string {
	if s.Late == 0 {
		return ""
	}
	return ui.Count(s.Late)
}

// runTimeText is empty if no run was measured.
func runTimeText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return ui.RunTime(d)
}

// usualText returns the usual run time and the longest, for the rules.
func (s RunStats) usualText() string {
	if s.UsualRunTime == 0 {
		return ""
	}
	return "Usually " + ui.RunTime(s.UsualRunTime) + ", longest " + ui.RunTime(s.SlowestRunTime) + "."
}

func (s RunStats) notWatchedText() string {
	if s.NotWatched == 0 {
		return ""
	}
	return ui.Count(s.NotWatched) + " unknown"
}
