package incidentview

import (
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// ListPage is the list of incidents of a project, newest first.
type ListPage struct {
	layout.Shell
	Updates      layout.ListUpdates
	Stats        Stats
	Open         int // now
	Acknowledged int // now
	Filter       Filter
	Rows         []Row
	Pager        ui.Pager
	CSVPath      string // address of the same as a file
}

// Stats are the figures of the last 30 days. A median is 0 when there
// is nothing to take it from.
type Stats struct {
	Opened                  int
	MedianDown              time.Duration
	MedianTimeToAcknowledge time.Duration
	MedianAlertDelay        time.Duration // from opening to the first delivery
	AlertsDelivered, Alerts int           // alerts delivered, of how many
}

// Filter is what the list is narrowed to.
type Filter struct {
	State, Query, Cause string
}

// Row is one incident of a list.
type Row struct {
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

// RowID is the id of the row in the page.
func RowID(id string) string { return "inc-" + id }

// stateView is one of the few views of the list.
type stateView struct{ state, text, sign string }

// views are the states, with how many are in those that ask for something.
func (p ListPage) views() []stateView {
	return []stateView{
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
	return words + " " + ui.Count(n)
}

func (v stateView) attrs() templ.Attributes {
	if v.state == "" {
		return nil
	}
	return templ.Attributes{"data-status": v.state}
}

func (f Filter) values() []ui.Option {
	return []ui.Option{{Value: f.State, Label: "state"}, {Value: f.Query, Label: "q"}, {Value: f.Cause, Label: "cause"}}
}

// link is the address of the list in another state, the rest of the filter kept.
func (f Filter) link(state string) templ.SafeURL {
	f.State = state
	q := url.Values{}
	for _, v := range f.values() {
		if v.Value != "" {
			q.Set(v.Label, v.Value)
		}
	}
	return templ.SafeURL(strings.TrimSuffix(paths.Incidents+"?"+q.Encode(), "?"))
}

// causeChoices are the causes to choose from.
var causeChoices = []ui.Option{
	{Value: "", Label: "Any cause"},
	{Value: "missed", Label: ui.CauseTexts["missed"]},
	{Value: "failure", Label: ui.CauseTexts["failure"]},
	{Value: "overran", Label: ui.CauseTexts["overran"]},
	{Value: "too_short", Label: ui.CauseTexts["too_short"]},
	{Value: "not_started", Label: ui.CauseTexts["not_started"]},
}

func (s Stats) alerts() string {
	return ui.Count(s.AlertsDelivered) + " of " + ui.Count(s.Alerts)
}

// durationOrDash is one figure of a row of them, "–" where there is none.
func durationOrDash(d time.Duration, say func(time.Duration) string) string {
	if d == 0 {
		return "–"
	}
	return say(d)
}

// Fragments is the part of the page that changes while it is open.
func (p ListPage) Fragments() []layout.Fragment { return layout.UpdatesFragment(p.Updates) }
