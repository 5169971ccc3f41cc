package web

import (
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// stripLength is how many runs the ruler of recent runs shows.
const stripLength = 30

// Run is what became of some expected runs in a row, all alike and of one day
// in UTC; or, with a count of 0, what a ping measured.
type Run struct {
	at, last time.Time // last is zero when there is one
	count    int
	outcome  string
	took     time.Duration // 0 when not measured
	lateBy   time.Duration // the worst
	exit     int           // of a failure, 0 when none was told
}

// outcomeNames are those of the ledger as they are drawn.
var outcomeNames = map[monitor.Outcome]string{
	monitor.RunOnTime: view.OutcomeOnTime, monitor.RunLate: view.OutcomeLate,
	monitor.RunFailed: view.OutcomeFailed, monitor.RunTooShort: view.OutcomeFailed, monitor.RunOverran: view.OutcomeFailed,
	monitor.RunMissed: view.OutcomeMissed, monitor.RunNotStarted: view.OutcomeMissed, monitor.RunUnknown: view.OutcomeUnknown,
}

// Runs tells what became of the runs of a heartbeat, oldest first, as far as its
// ledger was read, and what is expected next.
func Runs(w manage.HeartbeatHistory, now time.Time) []Run {
	var all []Run
	for _, s := range w.Spans {
		all = append(all, Run{at: s.First, last: s.Last, count: int(s.Count), outcome: outcomeNames[s.Outcome], lateBy: s.LateBy})
	}
	for _, p := range w.Pings {
		r := Run{at: p.At, took: p.RunTime}
		if p.Kind == monitor.PingFail {
			r.exit = max(p.ExitCode, 0)
		}
		all = append(all, r)
	}
	switch {
	case w.Running():
		return append(all, Run{at: now, count: 1, outcome: view.OutcomeRunning})
	case w.StatusAt(now) == monitor.Late:
		return append(all, Run{at: w.Due(), count: 1, outcome: view.OutcomeWithinGrace})
	case w.ExpectsPings() && w.Status != monitor.Down && !w.Due().IsZero():
		return append(all, Run{at: w.Due(), count: 1, outcome: view.OutcomeUpcoming})
	}
	return all
}

// Strip is the ruler of recent runs.
func Strip(all []Run) view.RunStrip {
	var s view.RunStrip
	for _, r := range all {
		for range min(r.count, stripLength) {
			s = append(s, r.outcome)
		}
	}
	return s[max(0, len(s)-stripLength):]
}

// Spark is the curve of recent run times.
func Spark(pings []monitor.Ping) view.DurationSparkline {
	var s view.DurationSparkline
	for _, p := range pings {
		if p.HasRunTime {
			s = append(s, p.RunTime)
		}
	}
	return s[max(0, len(s)-16):] // the same
}

// RunningSince is when the first of the runs under way began, zero when there is
// none.
func RunningSince(h monitor.Heartbeat) time.Time {
	var first time.Time
	for _, r := range h.ActiveRuns {
		if !r.Overran && (first.IsZero() || r.StartedAt.Before(first)) {
			first = r.StartedAt
		}
	}
	return first
}
