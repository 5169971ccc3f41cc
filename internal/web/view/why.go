package view

import "time"

// Why is the arithmetic behind a status.
type Why struct {
	Status   string
	LastPing time.Time     // zero before the first
	Interval time.Duration // 0 for a calendar schedule
	Slot     time.Time     // the run that is expected, of a calendar schedule
	Due      time.Time     // zero when nothing is counted
	Grace    time.Duration
	Credit   time.Duration // added because Overdue was not watching
	Alert    time.Time
	Decision string // one sentence more, in words for people; may be empty
}

// sumLine is one line of the sum. A result stands under a rule.
type sumLine struct {
	term, value, class string
	muted              bool
}

// lines are the sum from the last ping to the alert. Nothing follows where nothing
// is counted.
func (w Why) lines(c Clock) []sumLine {
	lines := []sumLine{{term: "Last ping", value: stampOr(c, w.LastPing, "none yet"), muted: w.LastPing.IsZero()}}
	if w.Interval > 0 {
		lines = append(lines, sumLine{term: "+ interval", value: Span(w.Interval)})
	} else if !w.Slot.IsZero() {
		lines = append(lines, sumLine{term: "Next run after it", value: stampOr(c, w.Slot, "")})
	}
	lines = append(lines, sumLine{term: "Due", value: stampOr(c, w.Due, "not counted"), class: "result", muted: w.Due.IsZero()})
	if w.Due.IsZero() {
		return lines
	}
	lines = append(lines, sumLine{term: "+ grace", value: Span(w.Grace)})
	if w.Credit > 0 {
		lines = append(lines, sumLine{term: "+ not watched", value: Took(w.Credit)})
	}
	return append(lines, sumLine{term: "Alert", value: stampOr(c, w.Alert, ""), class: "result alert"})
}

// stampOr is a date and time set as in a sum, without the comma.
func stampOr(c Clock, t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return c.Date(t) + " " + c.Time(t)
}

func (w Why) title() string { return "Why it is " + signOf(w.Status).word }
