package ui

import "time"

// Explanation is the sum that leads from the last ping to the alert.
type Explanation struct {
	Status        string
	LastPing      time.Time     // zero before the first
	Interval      time.Duration // 0 for a calendar schedule
	CountedFor    time.Time     // calendar only: the run that the last ping counted for; zero means none
	Calendar      bool          // cron or OnCalendar
	Due           time.Time     // zero if no run is due
	Grace         time.Duration
	NotWatched    time.Duration // added because Overdue was not watching
	WatchedFrom   time.Time     // end of the blackout from which the wait counts; zero for none
	AlertingRun   time.Time     // the run whose failure reaches the alert threshold
	StartDeadline time.Time     // the latest start of the run; zero means no limit
	ZoneHint      string        // a sign that the time zone of the schedule is wrong
	Alert         time.Time
	Decision      string // one more sentence; may be empty
	Past          bool   // the status has ended

	// FailedAt is the end of a failed run. It replaces the sum, because silence
	// played no part. ExitStatus is 0 if the job reported none.
	FailedAt   time.Time
	ExitStatus int

	// RunStarted is the start of a run that exceeded RunLimit. It replaces the sum, too.
	// While the status is late, the run is within RunLimit, which replaces the grace period.
	RunStarted time.Time
	RunLimit   time.Duration
}

// sumLine is one line of the sum. A result has a line above it.
type sumLine struct {
	term, value, class string
	muted              bool
}

// lines returns the sum from the last ping to the alert. It ends early if no run
// is due.
func (w Explanation) lines(c Clock) []sumLine {
	if !w.FailedAt.IsZero() {
		return w.failure(c)
	}
	if !w.RunStarted.IsZero() && w.Status != "late" {
		return []sumLine{
			{term: "Start of the run", value: dateTimeOr(c, w.RunStarted, "")},
			{term: "+ maximum run time", value: ExactDuration(w.RunLimit)},
			{term: "Alert: ran too long", value: dateTimeOr(c, w.RunStarted.Add(w.RunLimit), ""), class: "result alert"},
		}
	}
	if w.Status == "down" && w.Due.IsZero() && w.LastPing.IsZero() {
		return nil // the decision says everything
	}
	lines := []sumLine{{term: "Last ping", value: dateTimeOr(c, w.LastPing, "none yet"), muted: w.LastPing.IsZero()}}
	if !w.WatchedFrom.IsZero() {
		lines = append(lines, sumLine{term: "Not watching until", value: dateTimeOr(c, w.WatchedFrom, "")})
	}
	switch {
	case w.Interval > 0:
		lines = append(lines, sumLine{term: "+ interval", value: ExactDuration(w.Interval)})
	case w.Calendar && !w.LastPing.IsZero():
		lines = append(lines, sumLine{term: "Counted for", value: dateTimeOr(c, w.CountedFor, "no run"), muted: w.CountedFor.IsZero()})
	}
	lines = append(lines, sumLine{term: "Due", value: dateTimeOr(c, w.Due, "no run due"), class: "result", muted: w.Due.IsZero()})
	if w.Due.IsZero() {
		return lines
	}
	if !w.RunStarted.IsZero() {
		return append(
			lines,
			sumLine{term: "Start of the run", value: dateTimeOr(c, w.RunStarted, "")},
			sumLine{term: "+ maximum run time", value: ExactDuration(w.RunLimit)},
			sumLine{term: "Alert", value: dateTimeOr(c, w.RunStarted.Add(w.RunLimit), ""), class: "result alert"},
		)
	}
	if !w.StartDeadline.IsZero() {
		lines = append(lines, sumLine{term: "Must start by", value: dateTimeOr(c, w.StartDeadline, "")})
	}
	if !w.AlertingRun.IsZero() && !w.AlertingRun.Equal(w.Due) {
		lines = append(lines, sumLine{term: "Run that alerts", value: dateTimeOr(c, w.AlertingRun, "")})
	}
	lines = append(lines, sumLine{term: "+ grace", value: ExactDuration(w.Grace)})
	if w.NotWatched > 0 {
		lines = append(lines, sumLine{term: "+ not watched", value: RunTime(w.NotWatched)})
	}
	return append(lines, sumLine{term: "Alert", value: dateTimeOr(c, w.Alert, ""), class: "result alert"})
}

// failure returns the lines for a failed run, which replace the sum.
func (w Explanation) failure(c Clock) []sumLine {
	lines := []sumLine{{term: "Last run", value: dateTimeOr(c, w.FailedAt, "")}}
	if w.ExitStatus > 0 {
		lines = append(lines, sumLine{term: "Exit code", value: Itoa(w.ExitStatus)})
	}
	return append(lines, sumLine{term: "Failed", value: c.Time(w.FailedAt) + " → Down", class: "result alert"})
}

// dateTimeOr returns date and time without a comma, or none for the zero time.
func dateTimeOr(c Clock, t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return c.Date(t) + " " + c.Time(t)
}

// Title is the heading of the sum.
func (w Explanation) Title() string {
	return "Why it " + If(w.Past, "was ", "is ") + SignOf(w.Status).Text
}
