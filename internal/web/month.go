package web

import (
	"slices"
	"time"

	"overdue/internal/manage"
	"overdue/internal/web/view"
)

// daysShown is how many days the month of a heartbeat has.
const daysShown = 30

// Month counts the runs of each of the last 30 days, as the project's zone has
// days.
func Month(all []Run, limit time.Duration, c view.Clock) view.DailyRuns {
	m := view.DailyRuns{MaxRunTime: limit}
	index := map[string]int{}
	today := c.Now.In(Zone(c))
	for i := daysShown - 1; i >= 0; i-- {
		// Noon exists on every day, whatever the clocks do.
		day := time.Date(today.Year(), today.Month(), today.Day()-i, 12, 0, 0, 0, today.Location())
		index[day.Format(time.DateOnly)] = len(m.Days)
		m.Days = append(m.Days, view.Day{Date: day})
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

// splitByDay divides runs that lie on two days of a zone, as if they were evenly
// spaced. They lie on one day in UTC, so there is one midnight at most.
func splitByDay(r Run, zone *time.Location) []Run {
	if r.count < 2 || r.at.In(zone).Day() == r.last.In(zone).Day() {
		return []Run{r}
	}
	last := r.last.In(zone)
	midnight := time.Date(last.Year(), last.Month(), last.Day(), 0, 0, 0, 0, zone)
	gap := max(r.last.Sub(r.at)/time.Duration(r.count-1), 1)
	before := r
	before.count = min(int((midnight.Sub(r.at)-1)/gap)+1, r.count-1)
	r.at, r.count = r.last, r.count-before.count
	return []Run{before, r}
}

// Zone is the zone of a clock.
func Zone(c view.Clock) *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// addToDay is a day with more runs, or with what one of them measured.
func addToDay(d view.Day, r Run) view.Day {
	switch r.outcome {
	case view.OutcomeOnTime:
		d.OnTime += r.count
	case view.OutcomeLate:
		d.Late += r.count
		d.MaxLateness = max(d.MaxLateness, r.lateBy)
	case view.OutcomeFailed:
		d.Failed += r.count
	case view.OutcomeMissed:
		d.Missed += r.count
	case view.OutcomeUnknown:
		d.Unknown += r.count
	case view.OutcomeWithinGrace:
		d.WithinGrace += r.count
	case view.OutcomeUpcoming:
		d.Upcoming += r.count
	}
	if r.exit > 0 {
		d.ExitStatus = r.exit
	}
	d.LongestRun = max(d.LongestRun, r.took)
	return d
}

// MonthStats are the figures of the last 30 days.
func MonthStats(all []Run, outages []manage.Outage, now time.Time) view.RunStats {
	var s view.RunStats
	var took []time.Duration
	since := now.Add(-daysShown * 24 * time.Hour)
	for _, r := range all {
		if r.at.Before(since) || slices.Contains([]string{view.OutcomeWithinGrace, view.OutcomeUpcoming, view.OutcomeRunning}, r.outcome) {
			continue
		}
		if r.outcome != view.OutcomeUnknown {
			s.Watched += r.count
		}
		switch r.outcome {
		case view.OutcomeLate:
			s.Late += r.count
			s.Good += r.count
		case view.OutcomeOnTime:
			s.Good += r.count
		}
		if r.took > 0 {
			took = append(took, r.took)
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		s.UsualRunTime, s.SlowestRunTime = took[(len(took)-1)/2], took[len(took)-1]
	}
	for _, o := range outages {
		s.TimeDown += downtimeWithin(o, since, now)
	}
	return s
}

// downtimeWithin is how much of an outage lies between two moments.
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
