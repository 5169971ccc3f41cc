package heartbeatview

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// EventLog is the event log of one heartbeat, newest first.
type EventLog struct {
	Events    []Event
	Kind      string // the view that is chosen: "", success, start or fail
	Total     int    // events of the last 30 days
	OlderPath string // address of the next page; empty at the end
	PagePath  string // address of the page that holds the log

	ExpandFirst bool // the body of the first event is open
	IsOlderPage bool // a page of older events, which new ones do not change
}

// Event is a ping, or a span in which Overdue was not watching.
type Event struct {
	Number     int    // number of the ping
	Kind       string // success, start, fail, log or ignored; "gap" for a span
	At         time.Time
	RunTime    time.Duration
	ExitStatus int // of a failure; 0 when none was told
	Method     string
	Source     string
	UserAgent  string
	Marks      []string // what is unusual about it, in words
	Body       string
	Truncated  bool   // the body shown is only its beginning
	BodyPath   string // where the whole body is

	Until   time.Time // the end of a gap
	DueRuns int       // runs that were due in the gap
}

// eventKinds are how kinds of event look; tone is the value of data-status.
var eventKinds = map[string]ui.StatusSign{
	"success": {Icon: "k-ping", Text: "Ping", Tone: "up"},
	"start":   {Icon: "k-start", Text: "Start", Tone: "running"},
	"fail":    {Icon: "k-fail", Text: "Fail", Tone: "down"},
	"log":     {Icon: "k-log", Text: "Log", Tone: ""}, // plain ink: it judges nothing
	"ignored": {Icon: "k-ignored", Text: "Ignored", Tone: "paused"},
}

// id is the id of the line in the page.
func (e Event) id() string { return "ping-" + ui.Itoa(e.Number) }

// sign never fails: a kind that a newer node wrote is shown by its name.
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

// client returns what is unusual about the ping, and who sent it. The method is shown where it is the reason that the
// ping was ignored, the exit status where there is one.
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

// gapText tells when Overdue was not watching, and what that means.
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
		return words + "1 run was due and cannot be judged."
	default:
		return words + ui.Count(e.DueRuns) + " runs were due and cannot be judged."
	}
}

// logViews are the few views of the log.
var logViews = []ui.Option{{Value: "", Label: "All"}, {Value: "success", Label: "Pings"}, {Value: "start", Label: "Starts"}, {Value: "fail", Label: "Failures"}}

// viewPath is the address of one view of the log; it leads back to the log, not to the
// top of the page.
func (l EventLog) viewPath(kind string) string {
	if kind == "" {
		return l.PagePath + "#log"
	}
	return l.PagePath + paths.Query("kind", kind) + "#log"
}

// csvPath is the address of the log as a file, narrowed like the page.
func (l EventLog) csvPath() string {
	if l.Kind == "" {
		return l.PagePath + "/events.csv"
	}
	return l.PagePath + "/events.csv" + paths.Query("kind", l.Kind)
}
