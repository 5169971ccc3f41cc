package web

import (
	"slices"
	"time"

	"overdue/internal/manage"
	"overdue/internal/web/view"
)

// daysShown is how many days the month of a heartbeat has.
const daysShown = 30

// month counts the runs of each of the last 30 days, as the project's zone has
// days.
func month(all []run, limit time.Duration, c view.Clock) view.Month {
	m := view.Month{Limit: limit}
	index := map[string]int{}
	today := c.Now.In(zone(c))
	for i := daysShown - 1; i >= 0; i-- {
		// Noon exists on every day, whatever the clocks do.
		day := time.Date(today.Year(), today.Month(), today.Day()-i, 12, 0, 0, 0, today.Location())
		index[day.Format(time.DateOnly)] = len(m.Days)
		m.Days = append(m.Days, view.Day{Date: day})
	}
	for _, r := range all {
		for _, part := range daily(r, zone(c)) {
			if i, shown := index[part.at.In(zone(c)).Format(time.DateOnly)]; shown {
				m.Days[i] = counted(m.Days[i], part)
			}
		}
	}
	return m
}

// daily divides runs that lie on two days of a zone, as if they were evenly
// spaced. They lie on one day in UTC, so there is one midnight at most.
func daily(r run, zone *time.Location) []run {
	if r.count < 2 || r.at.In(zone).Day() == r.last.In(zone).Day() {
		return []run{r}
	}
	last := r.last.In(zone)
	midnight := time.Date(last.Year(), last.Month(), last.Day(), 0, 0, 0, 0, zone)
	gap := max(r.last.Sub(r.at)/time.Duration(r.count-1), 1)
	before := r
	before.count = min(int((midnight.Sub(r.at)-1)/gap)+1, r.count-1)
	r.at, r.count = r.last, r.count-before.count
	return []run{before, r}
}

// zone is the zone of a clock.
func zone(c view.Clock) *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// counted is a day with more runs, or with what one of them measured.
func counted(d view.Day, r run) view.Day {
	switch r.outcome {
	case view.OnTime:
		d.OnTime += r.count
	case view.Late:
		d.Late += r.count
		d.LateBy = max(d.LateBy, r.lateBy)
	case view.Failed:
		d.Failed += r.count
	case view.Missed:
		d.Missed += r.count
	case view.Unknown:
		d.Unknown += r.count
	case view.Open:
		d.Open += r.count
	case view.Upcoming:
		d.Upcoming += r.count
	}
	if r.exit > 0 {
		d.Exit = r.exit
	}
	d.Took = max(d.Took, r.took)
	return d
}

// stats are the figures of the last 30 days.
func stats(all []run, outages []manage.Outage, now time.Time) view.MonthStats {
	var s view.MonthStats
	var took []time.Duration
	since := now.Add(-daysShown * 24 * time.Hour)
	for _, r := range all {
		if r.at.Before(since) || slices.Contains([]string{view.Open, view.Upcoming, view.Running}, r.outcome) {
			continue
		}
		if r.outcome != view.Unknown {
			s.Watched += r.count
		}
		switch r.outcome {
		case view.Late:
			s.Late += r.count
			s.Good += r.count
		case view.OnTime:
			s.Good += r.count
		}
		if r.took > 0 {
			took = append(took, r.took)
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		s.Usual, s.Slowest = took[(len(took)-1)/2], took[len(took)-1]
	}
	for _, o := range outages {
		s.Down += down(o, since, now)
	}
	return s
}

// down is how much of an outage lies between two moments.
func down(o manage.Outage, since, now time.Time) time.Duration {
	from, to := o.Opened, o.Resolved
	if from.Before(since) {
		from = since
	}
	if to.IsZero() {
		to = now
	}
	return max(0, to.Sub(from))
}
