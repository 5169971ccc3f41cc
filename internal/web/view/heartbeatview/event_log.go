package heartbeatview

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// EventLog has the events of one heartbeat, newest first.
type EventLog struct {
	Events    []Event
	Kind      string // selected kind: "", success, start or fail
	Total     int    // events of the last 30 days
	OlderPath string // address of the next page; empty on the last page
	PagePath  string // address of the page with the log

	ExpandFirst bool // shows the body of the first event
	IsOlderPage bool // not the newest page: new events do not change it
}

// Event is a ping, or a period in which Overdue was not watching.
type Event struct {
	Number     int    // number of the ping
	Kind       string // success, start, fail, log or ignored; "gap" for a period
	At         time.Time
	RunTime    time.Duration
	ExitStatus int // of a failure; 0 if the job reported none
	Method     string
	Source     string
	UserAgent  string
	Marks      []string // notes about anything unusual
	Body       string
	Truncated  bool   // Body is only the beginning
	BodyPath   string // address of the whole body

	Until   time.Time // end of a gap
	DueRuns int       // number of runs that were due in the gap
}

// eventKinds has the look of each kind of event.
var eventKinds = map[string]ui.StatusSign{
	"success": {Icon: "k-ping", Text: "Ping", Tone: "up"},
	"start":   {Icon: "k-start", Text: "Start", Tone: "running"},
	"fail":    {Icon: "k-fail", Text: "Fail", Tone: "down"},
	"log":     {Icon: "k-log", Text: "Log", Tone: ""}, // no colour: it has no effect on the status
	"ignored": {Icon: "k-ignored", Text: "Ignored", Tone: "paused"},
}

// id returns the id of the line on the page.
func (e Event) id() string { return "ping-" + ui.Itoa(e.Number) }

// sign returns the look of the event. An unknown kind, written by a newer node, is
// shown by its name.
func (e Event) sign() ui.StatusSign {
	if s, ok := eventKinds[e.Kind]; ok {
		return s
	}
	return ui.StatusSign{Icon: "k-log", Text: e.Kind, Tone: ""}
}

func (e Event) took() string {
	if e.RunTime == 0 {
		return ""
	}
	return ui.RunTime(e.RunTime)
}

// client returns the notes about the ping and its user agent. It includes the
// method if the ping was ignored because of it, and the exit status of a failure.
func (e Event) client() string {
	marks := ""
	if len(e.Marks) > 0 {
		marks = strings.Join(e.Marks, ", ") + ", "
	}
	switch {
	case e.Kind == "ignored" && e.Method != "":
		return marks + e.Method + ", " + e.UserAgent
	case e.Kind == "fail" && e.ExitStatus > 0:
		return marks + "exit status " + strconv.Itoa(e.ExitStatus) + ", " + e.UserAgent
	default:
		return marks + e.UserAgent
	}
}

// gapText describes a period in which Overdue was not watching.
func (e Event) gapText(c ui.Clock) string {
	end := c.Time(e.Until)
	if c.Date(e.At) != c.Date(e.Until) {
		end = c.DateTime(e.Until)
	}
	words := c.DateTime(e.At) + " to " + end + ": Overdue was not watching. "
	switch e.DueRuns {
	case 0:
		return words + "Nothing was due."
	case 1:
		return words + "1 run was due and is unknown."
	default:
		return words + ui.Count(e.DueRuns) + " runs were due and are unknown."
	}
}

// logViews lists the filters of the log.
var logViews = []ui.Option{{Value: "", Label: "All"}, {Value: "success", Label: "Pings"}, {Value: "start", Label: "Starts"}, {Value: "fail", Label: "Failures"}}

// viewPath returns the address of the log with a filter. It scrolls to the log.
func (l EventLog) viewPath(kind string) string {
	if kind == "" {
		return l.PagePath + "#log"
	}
	return l.PagePath + paths.Query("kind", kind) + "#log"
}

// csvPath returns the address of the log as a CSV file, with the same filter.
func (l EventLog) csvPath() string {
	if l.Kind == "" {
		return l.PagePath + "/events.csv"
	}
	return l.PagePath + "/events.csv" + paths.Query("kind", l.Kind)
}
