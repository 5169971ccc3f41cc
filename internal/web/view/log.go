package view

import (
	"strconv"
	"strings"
	"time"
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
var eventKinds = map[string]statusSign{
	"success": {"k-ping", "Ping", "up"},
	"start":   {"k-start", "Start", "running"},
	"fail":    {"k-fail", "Fail", "down"},
	"log":     {"k-log", "Log", ""}, // plain ink: it judges nothing
	"ignored": {"k-ignored", "Ignored", "paused"},
}

// id is the id of the line in the page.
func (e Event) id() string { return "ping-" + itoa(e.Number) }

// sign never fails: a kind that a newer node wrote is shown by its name.
func (e Event) sign() statusSign {
	if s, ok := eventKinds[e.Kind]; ok {
		return s
	}
	return statusSign{"k-log", e.Kind, ""}
}

func (e Event) took() string {
	if e.RunTime == 0 {
		return ""
	}
	return RunTime(e.RunTime)
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
func (e Event) gapText(c Clock) string {
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
		return words + Count(e.DueRuns) + " runs were due and cannot be judged."
	}
}

// logViews are the few views of the log.
var logViews = []Option{{"", "All"}, {"success", "Pings"}, {"start", "Starts"}, {"fail", "Failures"}}

// viewPath is the address of one view of the log; it leads back to the log, not to the
// top of the page.
func (l EventLog) viewPath(kind string) string {
	if kind == "" {
		return l.PagePath + "#log"
	}
	return l.PagePath + query("kind", kind) + "#log"
}

// csvPath is the address of the log as a file, narrowed like the page.
func (l EventLog) csvPath() string {
	if l.Kind == "" {
		return l.PagePath + "/events.csv"
	}
	return l.PagePath + "/events.csv" + query("kind", l.Kind)
}
