package present

import (
	"slices"
	"time"

	"overdue/internal/manage"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/ui"
)

// daysShown is the number of days of DailyRuns.
const daysShown = 30

// DailyRuns counts the runs of each of the last 30 days in the zone of the project.
func DailyRuns(all []Run, c ui.Clock) heartbeatview.DailyRuns {
	var m heartbeatview.DailyRuns
	index := map[string]int{}
	today := c.Now.In(Zone(c))
	for i := daysShown - 1; i >= 0; i-- {
		// Noon exists on every day, also when the clock changes.
		day := time.Date(today.Year(), today.Month(), today.Day()-i, 12, 0, 0, 0, today.Location())
		index[day.Format(time.DateOnly)] = len(m.Days)
		m.Days = append(m.Days, heartbeatview.Day{Date: day})
	}
	for _, r := range all {
		for _, part := range splitByDay(r, Zone(c)) {
			if i, shown := index[part.at.In(Zone(c)).Format(time.DateOnly)]; shown {
				m.Days[i] = addToDay(m.Days[i], part)
			}
		}
	}
	return m
}

// splitByDay splits a span that covers two days of a zone, as if its runs were
// evenly spaced. A span lies within one UTC day, so it contains at most one local
// midnight.
func splitByDay(r Run, zone *time.Location) []Run {
	if r.count < 2 || r.at.In(zone).Day() == r.last.In(zone).Day() {
		return []Run{r}
	}
	last := r.last.In(zone)
	midnight := StartOfDay(last)
	gap := max(r.last.Sub(r.at)/time.Duration(r.count-1), 1)
	before := r
	before.count = min(int((midnight.Sub(r.at)-1)/gap)+1, r.count-1)
	r.at, r.count = r.last, r.count-before.count
	return []Run{before, r}
}

// StartOfDay returns the first moment of the day of t, in the zone of t. In some zones
// a day of a clock change has no midnight: it begins at 01:00.
func StartOfDay(t time.Time) time.Time {
	start := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	if start.Day() != t.Day() { // 23:00 of the day before
		_, start = start.ZoneBounds()
	}
	return start
}

// Zone returns the zone of a clock, UTC by default.
func Zone(c ui.Clock) *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// addToDay adds runs to a day, or the run time of a ping.
func addToDay(d heartbeatview.Day, r Run) heartbeatview.Day {
	switch r.outcome {
	case heartbeatview.OutcomeOnTime:
		d.OnTime += r.count
	case heartbeatview.OutcomeLate:
		d.Late += r.count
		d.MaxLateness = max(d.MaxLateness, r.lateBy)
	case heartbeatview.OutcomeFailed:
		d.Failed += r.count
	case heartbeatview.OutcomeMissed:
		d.Missed += r.count
	case heartbeatview.OutcomeUnknown:
		d.Unknown += r.count
	case heartbeatview.OutcomeExcused:
		d.Excused += r.count
	case heartbeatview.OutcomeWithinGrace:
		d.WithinGrace += r.count
	case heartbeatview.OutcomeUpcoming:
		d.Upcoming += r.count
	}
	if r.exit > 0 {
		d.ExitStatus = r.exit
	}
	d.LongestRun = max(d.LongestRun, r.took)
	return d
}

// RunStats returns the statistics of the last 30 days.
func RunStats(all []Run, outages []manage.Outage, now time.Time) heartbeatview.RunStats {
	var s heartbeatview.RunStats
	var took []time.Duration
	since := now.Add(-daysShown * 24 * time.Hour)
	for _, r := range all {
		if r.at.Before(since) || slices.Contains([]string{heartbeatview.OutcomeWithinGrace, heartbeatview.OutcomeUpcoming, heartbeatview.OutcomeRunning, heartbeatview.OutcomeExcused}, r.outcome) {
			continue
		}
		if r.outcome == heartbeatview.OutcomeUnknown {
			s.NotWatched += r.count
		} else {
			s.Watched += r.count
		}
		switch r.outcome {
		case heartbeatview.OutcomeLate:
			s.Late += r.count
			s.Good += r.count
		case heartbeatview.OutcomeOnTime:
			s.Good += r.count
		}
		if r.took > 0 {
			took = append(took, r.took)
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		s.UsualRunTime, s.MostRunTime, s.SlowestRunTime = took[(len(took)-1)/2], took[(len(took)*95+99)/100-1], took[len(took)-1]
	}
	isDown := false
	for _, o := range outages {
		s.TimeDown += downtimeWithin(o, since, now)
		isDown = isDown || o.Resolved.IsZero()
	}
	if isDown {
		s.GrowingSince = now.Add(-s.TimeDown)
	}
	return s
}

// downtimeWithin returns the part of an outage between two moments.
func downtimeWithin(o manage.Outage, since, now time.Time) time.Duration {
	from, to := o.Opened, o.Resolved
	if from.Before(since) {
		from = since
	}
	if to.IsZero() {
		to = now
	}
	return max(0, to.Sub(from))
}
