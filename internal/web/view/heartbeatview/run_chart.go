package heartbeatview

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// Outcomes that only the run chart distinguishes.
const (
	OutcomeTooShort   = "too_short"
	OutcomeOverran    = "overran"
	OutcomeNotStarted = "not_started"
	OutcomeExtra      = "extra" // a ping that counts for no expected run
)

// RunChart has the runs of one heartbeat, oldest first. The positions of its marks
// are percentages, so the server needs no width.
type RunChart struct {
	Runs       []ChartRun
	NotWatched []Period
	From, To   time.Time     // the days of the chart
	Calendar   bool          // the runs are due at fixed times, so a start can be late
	InOrder    bool          // one slot for each run, instead of a time axis to scale
	Total      int           // expected runs of 30 days
	Limit      time.Duration // the maximum run time; 0 means none
	LimitIsSet bool          // Limit is a setting, and not the grace period
	Half, Most time.Duration // 50 % and 95 % of the runs take up to this; 0 if not measured
	PagePath   string        // address of the page
	NewestPing int64         // number of the newest event of the log on the page, and of the oldest
	OldestPing int64
}

// ChartRun is one run: an expected one, or a ping that counts for none.
type ChartRun struct {
	Number     int64 // of the ping that ended it; 0 if none did
	Outcome    string
	Due        time.Time // zero if it counts for no expected run
	Started    time.Time // zero if unknown
	Ended      time.Time // zero if no ping ended it
	Took       time.Duration
	Measured   bool // Took is known
	LateBy     time.Duration
	ExitStatus int
	Exited     bool // the job reported ExitStatus
	Running    bool // it has not ended
}

// Period is a time between two moments.
type Period struct{ From, Until time.Time }

// runMarks has the mark and the words of each outcome.
var runMarks = map[string]struct {
	mark, words, icon, tone string
}{
	OutcomeOnTime:     {"ok", "On time", "st-up", "up"},
	OutcomeLate:       {"late", "Late", "st-late", "late"},
	OutcomeFailed:     {"failed", "Failed", "k-fail", "down"},
	OutcomeTooShort:   {"failed", "Too short", "k-fail", "down"},
	OutcomeOverran:    {"overran", "Ran too long", "st-down", "down"},
	OutcomeMissed:     {"missed", "Missed", "k-none", "down"},
	OutcomeNotStarted: {"missed", "Not started", "k-none", "down"},
	OutcomeUnknown:    {"unknown", "Unknown: not watching", "info", "unknown"},
	OutcomeExcused:    {"excused", "Excused: maintenance", "calendar", "unknown"},
	OutcomeExtra:      {"extra", "Not expected", "k-ping", "paused"},
	OutcomeRunning:    {"running", "Running", "st-running", "running"},
}

// chartLegend lists the outcomes in the order of the legend. Outcomes with the same
// mark share an entry.
var chartLegend = []string{OutcomeOnTime, OutcomeLate, OutcomeFailed, OutcomeOverran, OutcomeMissed, OutcomeUnknown, OutcomeExcused, OutcomeExtra, OutcomeRunning}

// At returns when the run is on the time axis.
func (r ChartRun) At() time.Time {
	for _, t := range []time.Time{r.Due, r.Started, r.Ended} {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// mark returns the id of the mark.
func (r ChartRun) mark() string {
	if r.Running && r.Outcome == OutcomeOverran {
		return "m-overrunning"
	}
	return "m-" + runMarks[r.Outcome].mark
}

// runTime returns the run time. It grows while the run is active.
func (r ChartRun) runTime(now time.Time) (time.Duration, bool) {
	if r.Running {
		return max(0, now.Sub(r.Started)), true
	}
	return r.Took, r.Measured
}

// tookText returns the run time, or a dash.
func (r ChartRun) tookText(now time.Time) string {
	if d, measured := r.runTime(now); measured {
		return ui.RunTime(d)
	}
	return "–"
}

// exitText returns the exit code, or a dash.
func (r ChartRun) exitText() string {
	if r.Exited {
		return strconv.Itoa(r.ExitStatus)
	}
	return "–"
}

// description returns the run in one line: "Ping #413, due Tue 14 Oct, 02:00, on time,
// took 4h 6m".
func (r ChartRun) description(c ui.Clock) string {
	var parts []string
	if r.Number > 0 {
		parts = append(parts, "ping #"+strconv.FormatInt(r.Number, 10))
	}
	switch {
	case !r.Due.IsZero():
		parts = append(parts, "due "+c.ShortDateTime(r.Due))
	case !r.At().IsZero():
		parts = append(parts, c.ShortDateTime(r.At()))
	}
	outcome := strings.ToLower(runMarks[r.Outcome].words)
	if r.LateBy > 0 {
		outcome += " by " + ui.RunTime(r.LateBy)
	}
	if r.ExitStatus > 0 {
		outcome += ", exit code " + strconv.Itoa(r.ExitStatus)
	}
	parts = append(parts, outcome)
	if d, measured := r.runTime(c.Now); measured {
		parts = append(parts, ui.If(r.Running, "running for ", "took ")+ui.RunTime(d))
	}
	return ui.Capitalize(strings.Join(parts, ", "))
}

// runPath returns the address of the run in the log. It loads another part of the log
// if the page does not show the run.
func (m RunChart) runPath(c ui.Clock, r ChartRun) string {
	if r.Number == 0 {
		return m.PagePath + paths.Query("day", c.InZone(r.At()).Format(time.DateOnly)) + "#log"
	}
	number := strconv.FormatInt(r.Number, 10)
	if m.OldestPing > 0 && r.Number >= m.OldestPing && r.Number <= m.NewestPing {
		return "#run-" + number
	}
	return m.PagePath + paths.Query("run", number) + "#run-" + number
}

// measured reports whether any run has a run time.
func (m RunChart) measured() bool {
	return slices.ContainsFunc(m.Runs, func(r ChartRun) bool { return r.Measured || r.Running })
}

// newestFirst returns the runs for the table.
func (m RunChart) newestFirst() []ChartRun {
	all := slices.Clone(m.Runs)
	slices.Reverse(all)
	return all
}

// legend returns the outcomes that occur.
func (m RunChart) legend() []string {
	var all []string
	for _, o := range chartLegend {
		if slices.ContainsFunc(m.Runs, func(r ChartRun) bool { return runMarks[r.Outcome].mark == runMarks[o].mark }) {
			all = append(all, o)
		}
	}
	return all
}

// axisText describes the horizontal position of the runs.
func (m RunChart) axisText() string {
	switch {
	case m.InOrder:
		return "Each mark is one run, in order"
	default:
		return "Each mark is one run, at the time when it was due"
	}
}

// omittedText describes which runs the chart leaves out.
func (m RunChart) omittedText() string {
	if m.InOrder || len(m.Runs) >= m.Total {
		return ""
	}
	return "The newest " + ui.Count(len(m.Runs)) + " of " + ui.Plural(m.Total, "run") + " in 30 days"
}

// label describes the chart in one sentence or two, for screen readers.
func (m RunChart) label(c ui.Clock) string {
	if len(m.Runs) == 0 {
		return "No runs yet."
	}
	counts := map[string]int{}
	var longest ChartRun
	for _, r := range m.Runs {
		counts[r.Outcome]++
		if r.Took > longest.Took {
			longest = r
		}
	}
	var parts []string
	for _, o := range []string{OutcomeOnTime, OutcomeLate, OutcomeFailed, OutcomeTooShort, OutcomeOverran, OutcomeMissed, OutcomeNotStarted, OutcomeUnknown, OutcomeExcused, OutcomeExtra, OutcomeRunning} {
		if n := counts[o]; n > 0 {
			parts = append(parts, ui.Count(n)+" "+strings.ToLower(runMarks[o].words))
		}
	}
	words := ui.Plural(len(m.Runs), "run") + ", " + c.Day(m.Runs[0].At()) + " to " + c.Day(m.Runs[len(m.Runs)-1].At()) + ": " + strings.Join(parts, ", ") + "."
	if m.Half > 0 {
		words += " Half of the runs take up to " + ui.RunTime(m.Half) + ", 95% up to " + ui.RunTime(m.Most) + "."
	}
	if longest.Took > 0 {
		words += " The longest run took " + ui.RunTime(longest.Took) + " on " + c.Day(longest.At()) + "."
	}
	if m.Limit > 0 && m.measured() {
		words += " The limit is " + ui.ExactDuration(m.Limit) + "."
	}
	return words
}
