package incidentview

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// DetailPage is the page of one incident.
type DetailPage struct {
	layout.Shell
	ID         string
	Group      int64 // number of its group of incidents, 0 if it is in none
	Number     int
	State      string // open, acknowledged or resolved
	Cause      string
	Severity   string // critical, warning or info
	Resolution string // recovered, edited, paused, deleted or repaired; empty if not resolved
	Heartbeat  Heartbeat

	Opened, Detected time.Time
	Acknowledged     time.Time // zero if not acknowledged
	AcknowledgedBy   string
	Resolved         time.Time
	FirstAlert       time.Duration // from opening to the first delivery; 0 if none yet
	Host             string        // of the failed run, or of the newest one before it
	ExitStatus       int           // of a reported failure; 0 if the job reported none

	Timeline        []TimelineEntry
	WaitingFor      string // the expected event; empty if resolved
	Deliveries      []ui.Delivery
	ChannelWarning  layout.ChannelWarning
	FailingChannels []string  // channels of the heartbeat that do not deliver
	FirstChannelAt  time.Time // creation of the oldest channel; zero if there is none

	Runbook      string          // from the description; may be empty
	PreviousText string          // "No incident in 41 days"
	NextIncident *Related        // the next incident of the heartbeat; nil if none
	Explanation  *ui.Explanation // nil if no deadline is involved
	PrintURL     string          // address of the page, for print
	Note         ui.Input        // a typed note with an error
	CanAct       bool
	SnoozedUntil time.Time // zero if it is not snoozed
}

// Heartbeat is the heartbeat of an incident.
type Heartbeat struct {
	Key, Name, Schedule  string
	Interval, Grace      time.Duration
	LastPing, Due, Alert time.Time
}

// Related is a link to another incident.
type Related struct {
	ID     string
	Number int
	Cause  string
}

// causeVerbs has the cause as part of a sentence.
var causeVerbs = map[string]string{
	"missed":      "missed its ping",
	"failure":     "reported a failure",
	"overran":     "ran too long",
	"too_short":   "ran too short",
	"not_started": "was not started",
}

// Title returns the incident as a sentence: "Nightly backup missed its ping".
func Title(heartbeat, cause string) string {
	if v, ok := causeVerbs[cause]; ok {
		return heartbeat + " " + v
	}
	return heartbeat + " went Down"
}

// resolutionTexts describes how an incident ended.
var resolutionTexts = map[string]string{
	"recovered": "Recovered",
	"edited":    "Resolved by an edit",
	"paused":    "Resolved by pausing",
	"deleted":   "Resolved by deletion",
	"repaired":  "Resolved by a repair of the database",
}

func (p DetailPage) resolution() string {
	if w, ok := resolutionTexts[p.Resolution]; ok {
		return w
	}
	return "Resolved"
}

// StatusPanelID returns the id of the status panel, for the event stream.
func StatusPanelID(id string) string { return RowID(id) + "-hero" }

func (p DetailPage) resolved() bool { return p.State == "resolved" }

func (p DetailPage) open() bool { return p.State == "open" }

func (p DetailPage) path(action string) templ.SafeURL {
	return templ.SafeURL(paths.Incident(p.ID) + action)
}

// deadlineBar returns the bar of the missed deadline.
func (p DetailPage) deadlineBar() ui.Deadline {
	h := p.Heartbeat
	d := ui.WatchedDeadline(p.Clock, h.LastPing, h.Due, h.Alert)
	if h.Interval > 0 { // the text of a calendar is too long
		d.Marks[1].Note = h.Schedule
	}
	d.Marks[2] = ui.DeadlineMark{Label: "Opened", At: p.Opened, Note: "grace " + ui.ExactDuration(h.Grace)}
	return d
}

// hasDeadlineBar reports whether the incident has a missed deadline to show.
func (p DetailPage) hasDeadlineBar() bool {
	h := p.Heartbeat
	return p.Cause == "missed" && !h.LastPing.IsZero() && !h.Due.IsZero()
}

func (p DetailPage) acknowledgement() string {
	if p.Acknowledged.IsZero() {
		return "Not acknowledged yet"
	}
	return "Acknowledged by " + p.AcknowledgedBy + " after " + ui.Elapsed(p.Acknowledged.Sub(p.Opened))
}

// acknowledgedAfter returns the same for a resolved incident.
func (p DetailPage) acknowledgedAfter() string {
	if p.Acknowledged.IsZero() {
		return "not acknowledged"
	}
	return "after " + ui.Elapsed(p.Acknowledged.Sub(p.Opened)) + ", " + p.AcknowledgedBy
}

// firstAlert returns the time until the first alert was delivered.
func (p DetailPage) firstAlert(before, after string) string {
	if p.FirstAlert == 0 {
		return "none yet"
	}
	return before + ui.Latency(p.FirstAlert) + after
}

// printedText describes when and from where the page was printed.
func (p DetailPage) printedText() string {
	return "Printed " + p.FullDate(p.Now) + ", " + p.Minute(p.Now) + " from " + p.PrintURL
}

// detectionDelay is empty below five seconds. An incident is dated at its deadline,
// even if Overdue detected it later.
func (p DetailPage) detectionDelay() string {
	if late := p.Detected.Sub(p.Opened); !p.Detected.IsZero() && late >= 5*time.Second {
		return ui.RunTime(late) + " after opening"
	}
	return ""
}

// text returns the text of the link: "#475, missed ping".
func (s Related) text() string {
	return "#" + ui.Itoa(s.Number) + ", " + strings.ToLower(ui.Cause(s.Cause))
}
