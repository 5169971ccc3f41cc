package present

import (
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/heartbeatview"
)

// stripLength is the number of runs in a strip.
const stripLength = 30

// Run is a span of equal runs within one UTC day. With a count of 0, it holds the
// measurements of a ping.
type Run struct {
	at, last time.Time // last is zero for a single run
	count    int
	outcome  string
	took     time.Duration // 0: not measured
	lateBy   time.Duration // the maximum
	exit     int           // of a failure; 0: unknown
}

// outcomeNames are the outcomes of the run history in package view.
var outcomeNames = map[monitor.Outcome]string{
	monitor.RunOnTime: heartbeatview.OutcomeOnTime, monitor.RunLate: heartbeatview.OutcomeLate,
	monitor.RunFailed: heartbeatview.OutcomeFailed, monitor.RunTooShort: heartbeatview.OutcomeFailed, monitor.RunOverran: heartbeatview.OutcomeFailed,
	monitor.RunMissed: heartbeatview.OutcomeMissed, monitor.RunNotStarted: heartbeatview.OutcomeMissed, monitor.RunUnknown: heartbeatview.OutcomeUnknown,
	monitor.RunExcused: heartbeatview.OutcomeExcused,
}

// Runs returns the runs of a heartbeat, oldest first, as far as its history was
// read, and the next expected one.
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
		return append(all, Run{at: now, count: 1, outcome: heartbeatview.OutcomeRunning})
	case w.StatusAt(now) == monitor.Late:
		return append(all, Run{at: w.Due(), count: 1, outcome: heartbeatview.OutcomeWithinGrace})
	case w.ExpectsPings() && w.Status != monitor.Down && !w.Due().IsZero():
		return append(all, Run{at: w.Due(), count: 1, outcome: heartbeatview.OutcomeUpcoming})
	}
	return all
}

// RunStrip returns the strip of recent runs.
func RunStrip(all []Run) heartbeatview.RunStrip {
	var s heartbeatview.RunStrip
	for _, r := range all {
		for range min(r.count, stripLength) {
			s = append(s, r.outcome)
		}
	}
	return s[max(0, len(s)-stripLength):]
}

// DurationSparkline returns the curve of recent run times.
func DurationSparkline(pings []monitor.Ping) heartbeatview.DurationSparkline {
	var s heartbeatview.DurationSparkline
	for _, p := range pings {
		if p.HasRunTime {
			s = append(s, p.RunTime)
		}
	}
	return s[max(0, len(s)-16):]
}

// RunningSince returns the start of the oldest run in progress, or the zero time.
func RunningSince(h monitor.Heartbeat) time.Time {
	var first time.Time
	for _, r := range h.ActiveRuns {
		if !r.Overran && (first.IsZero() || r.StartedAt.Before(first)) {
			first = r.StartedAt
		}
	}
	return first
}

// OverranSince returns the start of the oldest run that exceeded its time limit and has
// not ended, or the zero time.
func OverranSince(h monitor.Heartbeat) time.Time {
	var first time.Time
	for _, r := range h.ActiveRuns {
		if r.Overran && (first.IsZero() || r.StartedAt.Before(first)) {
			first = r.StartedAt
		}
	}
	return first
}
