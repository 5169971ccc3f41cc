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
	News         News
	Stats        IncidentStats
	Open         int // now
	Acknowledged int // now
	Filter       IncidentFilter
	Rows         []IncidentLine
	Pager        Pager
	Export       string // address of the same as a file
}

// IncidentStats are the figures of the last 30 days. A median is 0 when there
// is nothing to take it from.
type IncidentStats struct {
	Opened            int
	MedianDown        time.Duration
	MedianAcknowledge time.Duration
	MedianDelay       time.Duration // from opening to the first delivery
	Delivered, Owed   int           // alerts delivered, of how many
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
	Alerts         AlertTally
	AcknowledgedBy string
}

// AlertTally counts the alerts of an incident by what became of them.
type AlertTally struct {
	Sent, Owed, GivenUp int
}

// state is the worst that can be said of the alerts.
func (t AlertTally) state() string {
	switch {
	case t.GivenUp > 0:
		return "failed"
	case t.Owed > 0:
		return "retrying"
	default:
		return "sent"
	}
}

// words count: "6 of 7, 1 retrying"; with no trouble "3 of 3 delivered".
func (t AlertTally) words() string {
	total := t.Sent + t.Owed + t.GivenUp
	if total == 0 {
		return "None"
	}
	words := Count(t.Sent) + " of " + Count(total)
	if t.Owed+t.GivenUp == 0 {
		return words + " delivered"
	}
	if t.Owed > 0 {
		words += ", " + Count(t.Owed) + " retrying"
	}
	if t.GivenUp > 0 {
		words += ", " + Count(t.GivenUp) + " failed"
	}
	return words
}

// calm tells whether there is nothing to point at.
func (t AlertTally) calm() bool { return t.Owed+t.GivenUp == 0 }

// IncidentRowID is the id of the row in the page.
func IncidentRowID(id string) string { return "inc-" + id }

// incidentView is one of the few views of the list.
type incidentView struct{ state, words, sign string }

// views are the states, with how many are in those that ask for something.
func (p IncidentsPage) views() []incidentView {
	return []incidentView{
		{"", "All", ""},
		{"open", counted("Open", p.Open), "in-open"},
		{"acknowledged", counted("Acknowledged", p.Acknowledged), "in-ack"},
		{"resolved", "Resolved", "in-resolved"},
	}
}

func counted(words string, n int) string {
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

func (f IncidentFilter) values() []Choice {
	return []Choice{{f.State, "state"}, {f.Query, "q"}, {f.Cause, "cause"}}
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
var causeChoices = []Choice{
	{"", "Any cause"},
	{"missed", causes["missed"]},
	{"failure", causes["failure"]},
	{"overran", causes["overran"]},
	{"too_short", causes["too_short"]},
	{"not_started", causes["not_started"]},
}

func (s IncidentStats) alerts() string {
	return Count(s.Delivered) + " of " + Count(s.Owed)
}

// orDash is one figure of a row of them, "–" where there is none.
func orDash(d time.Duration, say func(time.Duration) string) string {
	if d == 0 {
		return "–"
	}
	return say(d)
}
