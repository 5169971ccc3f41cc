package heartbeatview

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"overdue/internal/web/view/ui"
)

// EventLog has the events of one heartbeat, newest first.
type EventLog struct {
	Events    []Event
	Kind      string // selected kind: "", success, start or fail
	Total     int    // events of the last 30 days
	OlderPath string // address of the next page; empty on the last page
	PagePath  string // address of the page with the log
	Kept      string // sentence: when pings are deleted; empty: never
	KeptCount int    // number of events that are always kept; above it, the oldest of 30 days can be deleted; 0: all

	ExpandFirst bool // shows the body of the first event
	IsOlderPage bool // not the newest page: new events do not change it

	Day time.Time // the log has only the events of this day; zero means all
}

// Event is a ping, or a period in which Overdue was not watching.
type Event struct {
	Number     int    // number of the ping
	Kind       string // success, start, fail, log or ignored; "gap" for a period
	At         time.Time
	EndsRun    bool          // a success or failure, which ends a run
	RunTime    time.Duration // 0 if not measured
	Started    time.Time     // of the run; zero if unknown
	ExitStatus int
	Exited     bool // the job reported ExitStatus
	Method     string
	Source     string
	Host       string // that the job sent, "" if none
	UserAgent  string
	Marks      []string // notes about anything unusual
	Body       string
	Truncated  bool   // Body is only the beginning
	BodyPath   string // address of the whole body

	// Of a gap:
	Until     time.Time // its end
	Unknown   bool      // the run that was due is unknown; otherwise its deadline moved
	Due, Next time.Time // when the run was due, and when it is evaluated again
	Path      string    // address of the blackout
}

// eventKinds has the look of each kind of event.
var eventKinds = map[string]ui.StatusSign{
	"success": {Icon: "k-ping", Text: "Ping", Tone: "up"},
	"start":   {Icon: "k-start", Text: "Start", Tone: "running"},
	"fail":    {Icon: "k-fail", Text: "Fail", Tone: "down"},
	"log":     {Icon: "k-log", Text: "Log", Tone: ""}, // no colour: it has no effect on the status
	"ignored": {Icon: "k-ignored", Text: "Ignored", Tone: "paused"},
}

// id returns the id of the line on the page. The chart and the table of runs link to
// the end of a run.
func (e Event) id() string { return ui.If(e.EndsRun, "run-", "ping-") + ui.Itoa(e.Number) }

// number returns the number of the ping, with which the chart and the CSV file name it.
func (e Event) number() string { return "#" + ui.Itoa(e.Number) }

// host returns the host of the run: the name that the job sent, or the address.
func (e Event) host() string { return cmp.Or(e.Host, e.Source) }

// origin returns the host and the address.
func (e Event) origin() string {
	if e.Host == "" {
		return e.Source
	}
	return e.Host + " (" + e.Source + ")"
}

// exit returns the exit code that the job reported.
func (e Event) exit() string {
	if !e.Exited {
		return ""
	}
	return strconv.Itoa(e.ExitStatus)
}

// exitTone marks an exit code other than 0.
func (e Event) exitTone() string { return ui.If(e.Exited && e.ExitStatus != 0, "down", "") }

// isOpenable reports whether the line has more than its columns.
func (e Event) isOpenable() bool { return e.Body != "" || !e.Started.IsZero() }

// sign returns the look of the event. An unknown kind, written by a newer node, is
// shown by its name.
func (e Event) sign() ui.StatusSign {
	if s, ok := eventKinds[e.Kind]; ok {
		return s
	}
	return ui.StatusSign{Icon: "k-log", Text: e.Kind, Tone: ""}
}

func (e Event) runTimeText() string {
	if e.RunTime == 0 {
		return ""
	}
	return ui.RunTime(e.RunTime)
}

// client returns the notes about the ping and its user agent. It includes the
// method if the ping was ignored because of it.
func (e Event) client() string {
	marks := ""
	if len(e.Marks) > 0 {
		marks = strings.Join(e.Marks, ", ") + ", "
	}
	switch {
	case e.Kind == "ignored" && e.Method != "":
		return marks + e.Method + ", " + e.UserAgent
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
	if !e.Unknown {
		return words + "The deadline moved by " + ui.RunTime(e.Until.Sub(e.At)) + "."
	}
	if e.Due.IsZero() {
		words += "The run that was expected is unknown."
	} else {
		words += "The run that was due at " + c.DateTime(e.Due) + " is unknown."
	}
	if e.Next.IsZero() {
		return words
	}
	return words + " Evaluated again from " + c.DateTime(e.Next) + "."
}

// logViews lists the filters of the log.
var logViews = []ui.Option{{Value: "", Label: "All"}, {Value: "success", Label: "Pings"}, {Value: "start", Label: "Starts"}, {Value: "fail", Label: "Failures"}}

// viewPath returns the address of the log with a filter. It keeps the day, and scrolls
// to the log.
func (l EventLog) viewPath(kind string) string {
	return l.PagePath + l.query(kind) + "#log"
}

// query returns the query string of the log with a filter and the same day, or "".
func (l EventLog) query(kind string) string {
	q := url.Values{}
	if kind != "" {
		q.Set("kind", kind)
	}
	if !l.Day.IsZero() {
		q.Set("day", l.Day.Format(time.DateOnly))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// description returns which events the log contains.
func (l EventLog) description(c ui.Clock) string {
	if l.Day.IsZero() {
		if l.KeptCount > 0 && l.Total >= l.KeptCount {
			return "The newest " + ui.Plural(l.Total, "event")
		}
		return ui.Plural(l.Total, "event") + " in 30 days"
	}
	return "Only " + c.Date(l.Day)
}

// csvPath returns the address of the log as a CSV file, with the same filter and day.
func (l EventLog) csvPath() string { return l.PagePath + "/events.csv" + l.query(l.Kind) }
