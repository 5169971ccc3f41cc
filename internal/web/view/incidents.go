package view

import (
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// IncidentsPage is the list of incidents of a project, newest first.
type IncidentsPage struct {
	Shell
	Updates      ListUpdates
	Stats        IncidentStats
	Open         int // now
	Acknowledged int // now
	Filter       IncidentFilter
	Rows         []IncidentLine
	Pager        Pager
	CSVPath      string // address of the same as a file
}

// IncidentStats are the figures of the last 30 days. A median is 0 when there
// is nothing to take it from.
type IncidentStats struct {
	Opened                  int
	MedianDown              time.Duration
	MedianTimeToAcknowledge time.Duration
	MedianAlertDelay        time.Duration // from opening to the first delivery
	AlertsDelivered, Alerts int           // alerts delivered, of how many
}

// IncidentFilter is what the list is narrowed to.
type IncidentFilter struct {
	State, Query, Cause string
}

// IncidentLine is one incident of a list.
type IncidentLine struct {
	ID             string
	Number         int
	Heartbeat      string
	State          string // open, acknowledged or resolved
	Cause          string
	Opened         time.Time
	Resolved       time.Time // zero while it is not
	Alerts         AlertCounts
	AcknowledgedBy string
}

// AlertCounts counts the alerts of an incident by what became of them.
type AlertCounts struct {
	Delivered, Pending, Failed int
}

// state is the worst that can be said of the alerts.
func (t AlertCounts) state() string {
	switch {
	case t.Failed > 0:
		return "failed"
	case t.Pending > 0:
		return "retrying"
	default:
		return "sent"
	}
}

// text count: "6 of 7, 1 retrying"; with no trouble "3 of 3 delivered".
func (t AlertCounts) text() string {
	total := t.Delivered + t.Pending + t.Failed
	if total == 0 {
		return "None"
	}
	words := Count(t.Delivered) + " of " + Count(total)
	if t.Pending+t.Failed == 0 {
		return words + " delivered"
	}
	if t.Pending > 0 {
		words += ", " + Count(t.Pending) + " retrying"
	}
	if t.Failed > 0 {
		words += ", " + Count(t.Failed) + " failed"
	}
	return words
}

// allDelivered tells whether there is nothing to point at.
func (t AlertCounts) allDelivered() bool { return t.Pending+t.Failed == 0 }

// IncidentRowID is the id of the row in the page.
func IncidentRowID(id string) string { return "inc-" + id }

// incidentView is one of the few views of the list.
type incidentView struct{ state, text, sign string }

// views are the states, with how many are in those that ask for something.
func (p IncidentsPage) views() []incidentView {
	return []incidentView{
		{"", "All", ""},
		{"open", withCount("Open", p.Open), "in-open"},
		{"acknowledged", withCount("Acknowledged", p.Acknowledged), "in-ack"},
		{"resolved", "Resolved", "in-resolved"},
	}
}

func withCount(words string, n int) string {
	if n == 0 {
		return words
	}
	return words + " " + Count(n)
}

func (v incidentView) attrs() templ.Attributes {
	if v.state == "" {
		return nil
	}
	return templ.Attributes{"data-status": v.state}
}

func (f IncidentFilter) values() []Option {
	return []Option{{f.State, "state"}, {f.Query, "q"}, {f.Cause, "cause"}}
}

// link is the address of the list in another state, the rest of the filter kept.
func (f IncidentFilter) link(state string) templ.SafeURL {
	f.State = state
	q := url.Values{}
	for _, v := range f.values() {
		if v.Value != "" {
			q.Set(v.Label, v.Value)
		}
	}
	return templ.SafeURL(strings.TrimSuffix(IncidentsPath+"?"+q.Encode(), "?"))
}

// causeChoices are the causes to choose from.
var causeChoices = []Option{
	{"", "Any cause"},
	{"missed", causeTexts["missed"]},
	{"failure", causeTexts["failure"]},
	{"overran", causeTexts["overran"]},
	{"too_short", causeTexts["too_short"]},
	{"not_started", causeTexts["not_started"]},
}

func (s IncidentStats) alerts() string {
	return Count(s.AlertsDelivered) + " of " + Count(s.Alerts)
}

// durationOrDash is one figure of a row of them, "–" where there is none.
func durationOrDash(d time.Duration, say func(time.Duration) string) string {
	if d == 0 {
		return "–"
	}
	return say(d)
}
