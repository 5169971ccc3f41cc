package view

import "time"

// Explanation is the arithmetic behind a status.
type Explanation struct {
	Status        string
	LastPing      time.Time     // zero before the first
	Interval      time.Duration // 0 for a calendar schedule
	CountedFor    time.Time     // the run that the last ping counted for, of a calendar; zero: for none
	Calendar      bool          // runs have fixed times
	Due           time.Time     // zero when nothing is counted
	Grace         time.Duration
	NotWatched    time.Duration // added because Overdue was not watching
	AlertingRun   time.Time     // the run whose silence alerts, where some bad ones in a row do not
	StartDeadline time.Time     // by then a run must have begun; zero: no such clock
	ZoneHint      string        // something odd about the pings, with what to look at
	Alert         time.Time
	Decision      string // one sentence more, in words for people; may be empty
	Past          bool   // it is over

	// FailedAt is when a run ended badly: then no silence was counted, and no sum
	// is shown. Exit is its exit status, 0 when none was told.
	FailedAt   time.Time
	ExitStatus int
}

// sumLine is one line of the sum. A result stands under a rule.
type sumLine struct {
	term, value, class string
	muted              bool
}

// lines are the sum from the last ping to the alert. Nothing follows where nothing
// is counted.
func (w Explanation) lines(c Clock) []sumLine {
	if !w.FailedAt.IsZero() {
		return w.failure(c)
	}
	if w.Status == "down" && w.Due.IsZero() && w.LastPing.IsZero() {
		return nil // the sentence tells all there is
	}
	lines := []sumLine{{term: "Last ping", value: dateTimeOr(c, w.LastPing, "none yet"), muted: w.LastPing.IsZero()}}
	switch {
	case w.Interval > 0:
		lines = append(lines, sumLine{term: "+ interval", value: ExactDuration(w.Interval)})
	case w.Calendar && !w.LastPing.IsZero():
		lines = append(lines, sumLine{term: "It counted for", value: dateTimeOr(c, w.CountedFor, "no run"), muted: w.CountedFor.IsZero()})
	}
	lines = append(lines, sumLine{term: "Due", value: dateTimeOr(c, w.Due, "not counted"), class: "result", muted: w.Due.IsZero()})
	if w.Due.IsZero() {
		return lines
	}
	if !w.StartDeadline.IsZero() {
		lines = append(lines, sumLine{term: "Must have started", value: dateTimeOr(c, w.StartDeadline, "")})
	}
	if !w.AlertingRun.IsZero() && !w.AlertingRun.Equal(w.Due) {
		lines = append(lines, sumLine{term: "The run that alerts", value: dateTimeOr(c, w.AlertingRun, "")})
	}
	lines = append(lines, sumLine{term: "+ grace", value: ExactDuration(w.Grace)})
	if w.NotWatched > 0 {
		lines = append(lines, sumLine{term: "+ not watched", value: RunTime(w.NotWatched)})
	}
	return append(lines, sumLine{term: "Alert", value: dateTimeOr(c, w.Alert, ""), class: "result alert"})
}

// failure is what stands in place of the sum where a run ended badly.
func (w Explanation) failure(c Clock) []sumLine {
	lines := []sumLine{{term: "Last run", value: dateTimeOr(c, w.FailedAt, "")}}
	if w.ExitStatus > 0 {
		lines = append(lines, sumLine{term: "Exit status", value: itoa(w.ExitStatus)})
	}
	return append(lines, sumLine{term: "Failed", value: c.Time(w.FailedAt) + " → Down", class: "result alert"})
}

// dateTimeOr is a date and time set as in a sum, without the comma.
func dateTimeOr(c Clock, t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return c.Date(t) + " " + c.Time(t)
}

func (w Explanation) title() string {
	return "Why it " + word(w.Past, "was ", "is ") + signOf(w.Status).word
}
