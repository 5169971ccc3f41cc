package present

import (
	"cmp"
	"slices"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// Sizes of the run chart.
const (
	maxChartRuns    = 300 // with a time axis; above it, the chart shows the runs in order by default
	maxOrderedRuns  = 100
	maxSlotsOfASpan = 1000 // as many pings as a history keeps
)

// ChartAxis is the query of the page that chooses the axis of the run chart.
type ChartAxis string

// The axes. Any other value is the default.
const (
	ChartDays ChartAxis = "days"
	ChartRuns ChartAxis = "runs"
)

// chartOutcomes are the outcomes of the run history in the run chart.
var chartOutcomes = map[monitor.Outcome]string{
	monitor.RunOnTime: heartbeatview.OutcomeOnTime, monitor.RunLate: heartbeatview.OutcomeLate, monitor.RunMissed: heartbeatview.OutcomeMissed,
	monitor.RunFailed: heartbeatview.OutcomeFailed, monitor.RunTooShort: heartbeatview.OutcomeTooShort, monitor.RunOverran: heartbeatview.OutcomeOverran,
	monitor.RunNotStarted: heartbeatview.OutcomeNotStarted, monitor.RunUnknown: heartbeatview.OutcomeUnknown,
	monitor.RunExcused: heartbeatview.OutcomeExcused,
}

// RunChart returns the chart of the runs of the last 30 days.
func RunChart(w manage.HeartbeatHistory, axis ChartAxis, stats heartbeatview.RunStats, c ui.Clock) heartbeatview.RunChart {
	today := c.Now.In(Zone(c))
	day := func(n int) time.Time {
		return StartOfDay(time.Date(today.Year(), today.Month(), today.Day()+n, 12, 0, 0, 0, today.Location()))
	}
	m := heartbeatview.RunChart{
		Calendar: w.Rule.Calendar != nil, From: day(1 - daysShown), To: day(1), Limit: w.Rule.MaxRunTime, LimitIsSet: w.Rule.MaxRunTime > 0, Half: stats.UsualRunTime, Most: stats.MostRunTime,
		PagePath: paths.Heartbeat(HeartbeatKey(w.Heartbeat)),
	}
	if m.Limit == 0 {
		m.Limit = w.Rule.Grace
	}
	for _, s := range w.Spans {
		if s.Outcome == monitor.RunUnknown && !s.Last.Before(m.From) {
			m.NotWatched = append(m.NotWatched, heartbeatview.Period{From: s.First, Until: s.Last})
		}
		if !s.Last.Before(m.From) {
			m.Total += int(s.Count)
		}
	}
	all := ChartedRuns(w)
	m.InOrder = axis == ChartRuns || axis != ChartDays && m.Total > maxChartRuns
	limit := maxOrderedRuns
	if !m.InOrder {
		limit = maxChartRuns
		all = slices.DeleteFunc(all, func(r heartbeatview.ChartRun) bool { return r.At().Before(m.From) })
	}
	m.Runs = all[max(0, len(all)-limit):]
	return m
}

// ChartedRuns returns the runs of a heartbeat with their outcome and run time, oldest
// first. The run history has the outcomes and the log the pings; the end of a span is
// what connects them, so the pings of a span with more pings than runs are matched
// from the newest on.
func ChartedRuns(w manage.HeartbeatHistory) []heartbeatview.ChartRun {
	pool := slices.Clone(w.Pings)
	slices.SortStableFunc(pool, func(a, b monitor.Ping) int { return a.At.Compare(b.At) })
	var all []heartbeatview.ChartRun
	for _, s := range w.Spans {
		if s.Outcome == monitor.RunOverran && s.LastPing.IsZero() {
			var runs []heartbeatview.ChartRun
			runs, pool = overrunRuns(w, s, pool)
			all = append(all, runs...)
		}
	}
	for _, s := range w.Spans {
		switch {
		case s.LastPing.IsZero() && s.Outcome != monitor.RunOverran:
			for _, slot := range slotsOf(w.Rule, s) {
				all = append(all, heartbeatview.ChartRun{Outcome: chartOutcomes[s.Outcome], Due: slot})
			}
		case !s.LastPing.IsZero():
			n, _ := slices.BinarySearchFunc(pool, s.LastPing, func(p monitor.Ping, at time.Time) int {
				return cmp.Or(p.At.Compare(at), -1) // after the pings of that moment
			})
			all = append(all, pingedRuns(w.Rule, s, pool[:n])...)
			pool = pool[n:]
		}
	}
	for _, p := range pool { // newer than every span
		all = append(all, extraRun(p))
	}
	for _, r := range w.ActiveRuns {
		if !r.Overran {
			all = append(all, heartbeatview.ChartRun{Outcome: heartbeatview.OutcomeRunning, Started: r.StartedAt, Running: true})
		}
	}
	slices.SortStableFunc(all, func(a, b heartbeatview.ChartRun) int { return a.At().Compare(b.At()) })
	return all
}

// pingedRuns returns the runs of a span that pings decided.
func pingedRuns(rule monitor.Rule, s monitor.Span, pings []monitor.Ping) []heartbeatview.ChartRun {
	slots := slotsOf(rule, s)
	all := make([]heartbeatview.ChartRun, 0, len(slots))
	i := len(slots) - 1
	for n := len(pings) - 1; n >= 0; n-- {
		p := pings[n]
		if i < 0 || (p.Kind == monitor.PingFail) != (s.Outcome == monitor.RunFailed) {
			all = append(all, extraRun(p))
			continue
		}
		r := extraRun(p)
		r.Outcome, r.Due = chartOutcomes[s.Outcome], slots[i]
		if rule.Calendar == nil && i > 0 && n > 0 {
			r.Due = earlierOf(pings[n-1].At.Add(rule.Interval), p.At)
		}
		if s.Outcome == monitor.RunLate {
			r.LateBy = lateness(rule, r, s)
		}
		all = append(all, r)
		i--
	}
	for ; i >= 0; i-- { // the log no longer has their pings
		all = append(all, heartbeatview.ChartRun{Outcome: chartOutcomes[s.Outcome], Due: slots[i]})
	}
	return all
}

// lateness returns how late a run came: its start with a calendar, otherwise its end.
func lateness(rule monitor.Rule, r heartbeatview.ChartRun, s monitor.Span) time.Duration {
	came := r.Ended
	if rule.Calendar != nil && !r.Started.IsZero() {
		came = r.Started
	}
	return min(max(0, came.Sub(r.Due)), s.LateBy)
}

// extraRun returns the run that a ping ended, as one that was not expected.
func extraRun(p monitor.Ping) heartbeatview.ChartRun {
	r := heartbeatview.ChartRun{
		Number: p.Number, Outcome: heartbeatview.OutcomeExtra, Ended: p.At, Took: p.RunTime, Measured: p.HasRunTime,
		ExitStatus: max(p.ExitCode, 0), Exited: p.ExitCode != monitor.NoExitCode,
	}
	if p.HasRunTime {
		r.Started = p.At.Add(-p.RunTime)
	}
	if p.Kind == monitor.PingFail {
		r.Outcome = heartbeatview.OutcomeFailed
	}
	return r
}

// overrunRuns returns the runs of a span that exceeded the time limit, and the pings
// that ended none of them. Such a run may have ended later, or is still active.
func overrunRuns(w manage.HeartbeatHistory, s monitor.Span, pings []monitor.Ping) (all []heartbeatview.ChartRun, rest []monitor.Ping) {
	limit := w.Rule.MaxRunTime
	if limit == 0 {
		limit = w.Rule.Grace
	}
	rest = pings
	for _, slot := range slotsOf(w.Rule, s) {
		r := heartbeatview.ChartRun{Outcome: heartbeatview.OutcomeOverran, Due: slot}
		n := slices.IndexFunc(rest, func(p monitor.Ping) bool {
			return p.HasRunTime && p.RunTime > limit && !p.At.Before(slot) && !p.At.Add(-p.RunTime).After(slot.Add(w.Rule.Grace))
		})
		active := slices.IndexFunc(w.ActiveRuns, func(a monitor.ActiveRun) bool { return a.Overran })
		switch {
		case n >= 0:
			r = extraRun(rest[n])
			r.Outcome, r.Due = heartbeatview.OutcomeOverran, slot
			rest = slices.Delete(slices.Clone(rest), n, n+1)
		case active >= 0 && slot.Equal(s.Last):
			r.Started, r.Running = w.ActiveRuns[active].StartedAt, true
		}
		all = append(all, r)
	}
	return all, rest
}

// slotsOf returns the newest slots of a span, oldest first. A calendar knows them; the
// slots of an interval are taken as evenly spaced.
func slotsOf(rule monitor.Rule, s monitor.Span) []time.Time {
	count := int(min(s.Count, maxSlotsOfASpan))
	if count < 2 {
		return []time.Time{s.First}
	}
	slots := make([]time.Time, count)
	if rule.Calendar != nil {
		at, found := s.Last, true
		for i := count - 1; i >= 0 && found; i-- {
			slots[i] = at
			at, found = rule.Schedule().Prev(at)
		}
		if found && !slots[0].Before(s.First) {
			return slots
		}
	}
	gap := s.Last.Sub(s.First) / time.Duration(s.Count-1)
	for i := range slots {
		slots[i] = s.Last.Add(-gap * time.Duration(count-1-i))
	}
	return slots
}

func earlierOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
