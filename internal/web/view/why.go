package view

import "time"

// Why is the arithmetic behind a status.
type Why struct {
	Status   string
	LastPing time.Time     // zero before the first
	Interval time.Duration // 0 for a calendar schedule
	Counted  time.Time     // the run that the last ping counted for, of a calendar; zero: for none
	Calendar bool          // runs have fixed times
	Due      time.Time     // zero when nothing is counted
	Grace    time.Duration
	Credit   time.Duration // added because Overdue was not watching
	Chance   time.Time     // the run whose silence alerts, where some bad ones in a row do not
	StartBy  time.Time     // by then a run must have begun; zero: no such clock
	Hint     string        // something odd about the pings, with what to look at
	Alert    time.Time
	Decision string // one sentence more, in words for people; may be empty
	Past     bool   // it is over

	// Failed is when a run ended badly: then no silence was counted, and no sum
	// is shown. Exit is its exit status, 0 when none was told.
	Failed time.Time
	Exit   int
}

// sumLine is one line of the sum. A result stands under a rule.
type sumLine struct {
	term, value, class string
	muted              bool
}

// lines are the sum from the last ping to the alert. Nothing follows where nothing
// is counted.
func (w Why) lines(c Clock) []sumLine {
	if !w.Failed.IsZero() {
		return w.failure(c)
	}
	if w.Status == "down" && w.Due.IsZero() && w.LastPing.IsZero() {
		return nil // the sentence tells all there is
	}
	lines := []sumLine{{term: "Last ping", value: stampOr(c, w.LastPing, "none yet"), muted: w.LastPing.IsZero()}}
	switch {
	case w.Interval > 0:
		lines = append(lines, sumLine{term: "+ interval", value: Span(w.Interval)})
	case w.Calendar && !w.LastPing.IsZero():
		lines = append(lines, sumLine{term: "It counted for", value: stampOr(c, w.Counted, "no run"), muted: w.Counted.IsZero()})
	}
	lines = append(lines, sumLine{term: "Due", value: stampOr(c, w.Due, "not counted"), class: "result", muted: w.Due.IsZero()})
	if w.Due.IsZero() {
		return lines
	}
	if !w.StartBy.IsZero() {
		lines = append(lines, sumLine{term: "Must have started", value: stampOr(c, w.StartBy, "")})
	}
	if !w.Chance.IsZero() && !w.Chance.Equal(w.Due) {
		lines = append(lines, sumLine{term: "The run that alerts", value: stampOr(c, w.Chance, "")})
	}
	lines = append(lines, sumLine{term: "+ grace", value: Span(w.Grace)})
	if w.Credit > 0 {
		lines = append(lines, sumLine{term: "+ not watched", value: Took(w.Credit)})
	}
	return append(lines, sumLine{term: "Alert", value: stampOr(c, w.Alert, ""), class: "result alert"})
}

// failure is what stands in place of the sum where a run ended badly.
func (w Why) failure(c Clock) []sumLine {
	lines := []sumLine{{term: "Last run", value: stampOr(c, w.Failed, "")}}
	if w.Exit > 0 {
		lines = append(lines, sumLine{term: "Exit status", value: itoa(w.Exit)})
	}
	return append(lines, sumLine{term: "Failed", value: c.Time(w.Failed) + " → Down", class: "result alert"})
}

// stampOr is a date and time set as in a sum, without the comma.
func stampOr(c Clock, t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return c.Date(t) + " " + c.Time(t)
}

func (w Why) title() string {
	return "Why it " + word(w.Past, "was ", "is ") + signOf(w.Status).word
}
