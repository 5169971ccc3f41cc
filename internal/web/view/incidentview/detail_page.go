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
	Number     int
	State      string // open, acknowledged or resolved
	Cause      string
	Resolution string // recovered, edited, paused or deleted; empty while not resolved
	Heartbeat  Heartbeat

	Opened, Detected time.Time
	Acknowledged     time.Time // zero while nobody has
	AcknowledgedBy   string
	Resolved         time.Time
	FirstAlert       time.Duration // from opening to the first delivery; 0 when none yet
	ExitStatus       int           // exit status of a reported failure; 0 when none was told

	Timeline        []TimelineEntry
	WaitingFor      string // what is still expected; empty when resolved
	Deliveries      []ui.Delivery
	ChannelWarning  layout.ChannelWarning
	FailingChannels []string  // channels that the heartbeat alerts and that do not deliver
	FirstChannelAt  time.Time // when the first of today's channels was made; zero without any

	Runbook      string          // from the description, when it names one
	PreviousText string          // "No incident in 41 days"
	NextIncident *Related        // the incident that came next; nil when none did
	Explanation  *ui.Explanation // nil when no deadline is involved
	PrintURL     string          // the address of the page, for paper
	Note         ui.Input        // a note that came back with an error
	CanAct       bool
}

// Heartbeat is the heartbeat that an incident is about.
type Heartbeat struct {
	Key, Name, Schedule  string
	Interval, Grace      time.Duration
	LastPing, Due, Alert time.Time
}

// Related leads to another incident.
type Related struct {
	ID     string
	Number int
	Cause  string
}

// causeVerbs tell the cause as part of a sentence.
var causeVerbs = map[string]string{
	"missed":      "missed its ping",
	"failure":     "reported a failure",
	"overran":     "ran too long",
	"too_short":   "ran too short",
	"not_started": "was not started",
}

// Title is the incident in words: "Nightly backup missed its ping".
func Title(heartbeat, cause string) string {
	if v, ok := causeVerbs[cause]; ok {
		return heartbeat + " " + v
	}
	return heartbeat + " went Down"
}

// resolutionTexts tell how an incident ended.
var resolutionTexts = map[string]string{
	"recovered": "Recovered",
	"edited":    "Resolved by an edit",
	"paused":    "Resolved by a pause",
	"deleted":   "Resolved by deletion",
}

func (p DetailPage) resolution() string {
	if w, ok := resolutionTexts[p.Resolution]; ok {
		return w
	}
	return "Resolved"
}

// StatusPanelID is the id of the part that the live stream swaps.
func StatusPanelID(id string) string { return RowID(id) + "-hero" }

func (p DetailPage) resolved() bool { return p.State == "resolved" }

func (p DetailPage) open() bool { return p.State == "open" }

func (p DetailPage) path(action string) templ.SafeURL {
	return templ.SafeURL(paths.Incident(p.ID) + action)
}

// deadlineBar is the deadline that was missed; other causes have none.
func (p DetailPage) deadlineBar() ui.Deadline {
	h := p.Heartbeat
	d := ui.WatchedDeadline(p.Clock, h.LastPing, h.Due, h.Alert)
	if h.Interval > 0 { // a calendar takes more words than there is room for
		d.Marks[1].Note = h.Schedule
	}
	d.Marks[2] = ui.DeadlineMark{Label: "Opened", At: p.Opened, Note: "grace " + ui.ExactDuration(h.Grace)}
	return d
}

// hasDeadlineBar tells whether a deadline was missed that can be drawn.
func (p DetailPage) hasDeadlineBar() bool {
	h := p.Heartbeat
	return p.Cause == "missed" && !h.LastPing.IsZero() && !h.Due.IsZero()
}

func (p DetailPage) acknowledgement() string {
	if p.Acknowledged.IsZero() {
		return "Nobody has acknowledged it yet"
	}
	return "Acknowledged by " + p.AcknowledgedBy + " after " + ui.Elapsed(p.Acknowledged.Sub(p.Opened))
}

// acknowledgedAfter is the same as a figure, for an incident that is over.
func (p DetailPage) acknowledgedAfter() string {
	if p.Acknowledged.IsZero() {
		return "nobody"
	}
	return "after " + ui.Elapsed(p.Acknowledged.Sub(p.Opened)) + ", " + p.AcknowledgedBy
}

// firstAlert says how long it took until someone was told, the figure by which
// Overdue itself is judged.
func (p DetailPage) firstAlert(before, after string) string {
	if p.FirstAlert == 0 {
		return "none yet"
	}
	return before + ui.Latency(p.FirstAlert) + after
}

// printedText tells on paper when and from where the page was taken.
func (p DetailPage) printedText() string {
	return "Printed " + p.FullDate(p.Now) + ", " + p.Minute(p.Now) + " from " + p.PrintURL
}

// detectionDelay is told only when it was later than a person would expect: the
// incident is dated at its deadline, whenever Overdue could look.
func (p DetailPage) detectionDelay() string {
	if late := p.Detected.Sub(p.Opened); !p.Detected.IsZero() && late >= 5*time.Second {
		return ui.RunTime(late) + " after opening"
	}
	return ""
}

// text name the incident in a link: "#475, missed ping".
func (s Related) text() string {
	return "#" + ui.Itoa(s.Number) + ", " + strings.ToLower(ui.Cause(s.Cause))
}
