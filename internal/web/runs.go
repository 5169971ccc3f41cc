package web

import (
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// stripRuns is how many runs the ruler of recent runs shows.
const stripRuns = 30

// run is what became of some expected runs in a row, all alike and of one day
// in UTC; or, with a count of 0, what a ping measured.
type run struct {
	at, last time.Time // last is zero when there is one
	count    int
	outcome  string
	took     time.Duration // 0 when not measured
	lateBy   time.Duration // the worst
	exit     int           // of a failure, 0 when none was told
}

// outcomes are those of the ledger as they are drawn.
var outcomes = map[monitor.Outcome]string{
	monitor.RunOnTime: view.OnTime, monitor.RunLate: view.Late,
	monitor.RunFailed: view.Failed, monitor.RunTooShort: view.Failed, monitor.RunOverran: view.Failed,
	monitor.RunMissed: view.Missed, monitor.RunNotStarted: view.Missed, monitor.RunUnknown: view.Unknown,
}

// runs tells what became of the runs of a heartbeat, oldest first, as far as its
// ledger was read, and what is expected next.
func runs(w manage.Watched, now time.Time) []run {
	var all []run
	for _, s := range w.Slots {
		all = append(all, run{at: s.First, last: s.Last, count: int(s.Count), outcome: outcomes[s.Outcome], lateBy: s.LateBy})
	}
	for _, p := range w.Pings {
		r := run{at: p.At, took: p.RunTime}
		if p.Kind == monitor.Fail {
			r.exit = max(p.ExitCode, 0)
		}
		all = append(all, r)
	}
	switch {
	case w.Running():
		return append(all, run{at: now, count: 1, outcome: view.Running})
	case w.Shown(now) == monitor.Late:
		return append(all, run{at: w.Due(), count: 1, outcome: view.Open})
	case w.Judged() && w.Status != monitor.Down && !w.Due().IsZero():
		return append(all, run{at: w.Due(), count: 1, outcome: view.Upcoming})
	}
	return all
}

// strip is the ruler of recent runs.
func strip(all []run) view.Strip {
	var s view.Strip
	for _, r := range all {
		for range min(r.count, stripRuns) {
			s = append(s, r.outcome)
		}
	}
	return s[max(0, len(s)-stripRuns):]
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
