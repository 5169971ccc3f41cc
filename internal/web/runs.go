package web

import (
	"slices"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// run is one expected run and what became of it.
type run struct {
	at      time.Time
	outcome string
	took    time.Duration // 0 when not measured
	lateBy  time.Duration
	exit    int // of a failure, 0 when none was told
}

// mostMissed bounds how many runs one silence is told as.
const mostMissed = 1000

// runs tells what became of the runs of a heartbeat, oldest first, as far as its
// history goes back, and what is expected next.
//
// A silence counts as missed only where an incident says so: a rule that was
// edited since, or a pause, must not look like trouble that nobody was told of.
func runs(w manage.Watched, now time.Time) []run {
	var all []run
	var before time.Time
	for _, p := range w.Pings {
		if !before.IsZero() && opened(w, monitor.Missed, before, p.At) {
			all = append(all, missed(w.Rule.Interval, before, p.At)...)
		}
		all = append(all, ended(w, p, before))
		before = p.At
	}
	return append(all, coming(w, before, now)...)
}

// opened reports whether an incident of the cause opened between two moments.
func opened(w manage.Watched, cause monitor.Cause, from, to time.Time) bool {
	return slices.ContainsFunc(w.Outages, func(o manage.Outage) bool {
		return o.Cause == cause && o.Opened.After(from) && !o.Opened.After(to)
	})
}

// missed are the runs that were due in a silence, at least one.
func missed(interval time.Duration, from, to time.Time) []run {
	n := max(int64(to.Sub(from)-1)/max(int64(interval), 1), 1)
	var all []run
	for k := max(1, n-mostMissed+1); k <= n; k++ {
		all = append(all, run{at: from.Add(time.Duration(k) * interval), outcome: view.Missed})
	}
	return all
}

// ended is the run that a ping ended.
func ended(w manage.Watched, p monitor.Ping, before time.Time) run {
	r := run{at: p.At, outcome: view.OnTime, took: p.RunTime}
	gap := p.At.Sub(before)
	switch {
	case p.Kind == monitor.Fail:
		r.outcome, r.exit = view.Failed, max(p.ExitCode, 0)
	case before.IsZero():
	case opened(w, monitor.Overran, before, p.At):
		r.outcome = view.Failed
	case gap > w.Rule.Interval && gap <= w.Rule.Interval+w.Rule.Grace:
		r.outcome, r.lateBy = view.Late, gap-w.Rule.Interval
	}
	return r
}

// coming is what follows the last ping: runs that were missed up to now, one
// under way, or the next.
func coming(w manage.Watched, last, now time.Time) []run {
	var all []run
	switch {
	case w.Status == monitor.Down && w.Cause == monitor.Missed:
		all = missed(w.Rule.Interval, w.From, now)
	case w.Status == monitor.Down && w.Cause == monitor.Overran && opened(w, monitor.Overran, last, now):
		all = []run{{at: now, outcome: view.Failed}}
	}
	switch {
	case w.Running():
		return append(all, run{at: now, outcome: view.Running})
	case w.Judged() && w.Status != monitor.Down:
		return append(all, run{at: w.Due(), outcome: view.Upcoming})
	}
	return all
}

// strip is the ruler of recent runs.
func strip(all []run) view.Strip {
	var s view.Strip
	for _, r := range all {
		s = append(s, r.outcome)
	}
	return s[max(0, len(s)-30):] // as many as are drawn
}

// spark is the curve of recent run times.
func spark(pings []monitor.Ping) view.Spark {
	var s view.Spark
	for _, p := range pings {
		if p.HasRun {
			s = append(s, p.RunTime)
		}
	}
	return s[max(0, len(s)-16):] // the same
}

// runningSince is when the first of the runs under way began, zero when there is
// none.
func runningSince(h monitor.Heartbeat) time.Time {
	var first time.Time
	for _, r := range h.Runs {
		if !r.Lost && (first.IsZero() || r.Start.Before(first)) {
			first = r.Start
		}
	}
	return first
}
