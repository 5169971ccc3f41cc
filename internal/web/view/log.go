package view

import (
	"strconv"
	"strings"
	"time"
)

// Log is the event log of one heartbeat, newest first.
type Log struct {
	Events []Event
	Kind   string // the view that is chosen: "", success, start or fail
	Total  int    // events of the last 30 days
	Older  string // address of the next page; empty at the end
	Base   string // address of the page that holds the log

	OpenFirst bool // the body of the first event is open
	Past      bool // a page of older events, which new ones do not change
}

// Event is a ping, or a span in which Overdue was not watching.
type Event struct {
	N        int    // number of the ping
	Kind     string // success, start, fail, log or ignored; "gap" for a span
	At       time.Time
	Took     time.Duration
	Exit     int // of a failure; 0 when none was told
	Method   string
	Source   string
	Agent    string
	Marks    []string // what is unusual about it, in words
	Body     string
	Cut      bool   // the body shown is only its beginning
	BodyPath string // where the whole body is

	Until  time.Time // the end of a gap
	Missed int       // runs that were due in the gap
}

// eventKinds are how kinds of event look; tone is the value of data-status.
var eventKinds = map[string]sign{
	"success": {"k-ping", "Ping", "up"},
	"start":   {"k-start", "Start", "running"},
	"fail":    {"k-fail", "Fail", "down"},
	"log":     {"k-log", "Log", ""}, // plain ink: it judges nothing
	"ignored": {"k-ignored", "Ignored", "paused"},
}

// id is the id of the line in the page.
func (e Event) id() string { return "ping-" + itoa(e.N) }

// sign never fails: a kind that a newer node wrote is shown by its name.
func (e Event) sign() sign {
	if s, ok := eventKinds[e.Kind]; ok {
		return s
	}
	return sign{"k-log", e.Kind, ""}
}

func (e Event) took() string {
	if e.Took == 0 {
		return ""
	}
	return Took(e.Took)
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
		return marks + e.Method + ", " + e.Agent
	case e.Kind == "fail" && e.Exit > 0:
		return marks + "exit status " + strconv.Itoa(e.Exit) + ", " + e.Agent
	default:
		return marks + e.Agent
	}
}

// gap tells when Overdue was not watching, and what that means.
func (e Event) gap(c Clock) string {
	end := c.Time(e.Until)
	if c.Date(e.At) != c.Date(e.Until) {
		end = c.Stamp(e.Until)
	}
	words := c.Stamp(e.At) + " to " + end + ": Overdue was not watching. "
	switch e.Missed {
	case 0:
		return words + "Nothing was due."
	case 1:
		return words + "1 run was due and cannot be judged."
	default:
		return words + Count(e.Missed) + " runs were due and cannot be judged."
	}
}

// logViews are the few views of the log.
var logViews = []Choice{{"", "All"}, {"success", "Pings"}, {"start", "Starts"}, {"fail", "Failures"}}

// view is the address of one view of the log; it leads back to the log, not to the
// top of the page.
func (l Log) view(kind string) string {
	if kind == "" {
		return l.Base + "#log"
	}
	return l.Base + query("kind", kind) + "#log"
}

// file is the address of the log as a file, narrowed like the page.
func (l Log) file() string {
	if l.Kind == "" {
		return l.Base + "/events.csv"
	}
	return l.Base + "/events.csv" + query("kind", l.Kind)
}
