package incidentview

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// ListPage is one page of the list of incidents, newest first.
type ListPage struct {
	layout.Shell
	Updates      layout.ListUpdates
	Stats        Stats
	Open         int // now
	Acknowledged int // now
	Filter       Filter
	Rows         []Row
	Pager        ui.Pager
	CSVPath      string // address of the list as a CSV file
	Kept         string // sentence: when incidents are deleted; empty: never
}

// Stats are the figures of the last 30 days. A median is 0 if there are no values.
type Stats struct {
	Opened                  int
	TotalDown, LongestDown  time.Duration // of all incidents, unresolved ones until now
	MedianTimeToAcknowledge time.Duration
	MedianAlertDelay        time.Duration // from opening to the first delivery
	AlertsDelivered, Alerts int           // delivered alerts, all alerts
}

// Filter has the filters of the list.
type Filter struct {
	State, Query, Cause string
}

// Row is one incident of the list.
type Row struct {
	ID             string
	Number         int
	Heartbeat      string
	Severity       string // critical, warning or info
	State          string // open, acknowledged or resolved
	Cause          string
	Opened         time.Time
	Resolved       time.Time // zero if not resolved
	Alerts         AlertCounts
	AcknowledgedBy string
	SnoozedUntil   time.Time // zero if it is not snoozed
	CanAct         bool      // the reader may acknowledge it
}

// nobodyNotified reports whether the incident is open, and no alert about it was
// delivered.
func (i Row) nobodyNotified() bool { return i.State == "open" && i.Alerts.Delivered == 0 }

// canAcknowledge reports whether the list has an incident that the reader can
// acknowledge.
func (p ListPage) canAcknowledge() bool {
	return slices.ContainsFunc(p.Rows, func(i Row) bool { return i.CanAct && i.State == "open" })
}

// hasCheckboxes reports whether the table has a column of checkboxes.
func (p ListPage) hasCheckboxes() bool { return len(p.Rows) > 0 && p.Rows[0].CanAct }

// RowID returns the id of the row, for the event stream.
func RowID(id string) string { return "inc-" + id }

// stateView is one state filter of the list.
type stateView struct{ state, text, sign string }

// views returns the state filters, with counts for the unresolved states.
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

// link returns the address of the list with another state and the same other filters.
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

// causeChoices has the options of the cause filter.
var causeChoices = []ui.Option{
	{Value: "", Label: "Any cause"},
	{Value: "missed", Label: ui.Cause("missed")},
	{Value: "failure", Label: ui.Cause("failure")},
	{Value: "overran", Label: ui.Cause("overran")},
	{Value: "too_short", Label: ui.Cause("too_short")},
	{Value: "not_started", Label: ui.Cause("not_started")},
}

func (s Stats) alerts() string {
	if s.Alerts == 0 {
		return ""
	}
	return ui.Count(s.AlertsDelivered) + " of " + ui.Count(s.Alerts)
}

// minShown is the shortest duration that the figures show exactly.
const minShown = time.Second

// durationOrEmpty returns a duration as text, or "" for none: the page then omits it.
func durationOrEmpty(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < minShown:
		return "under 1s"
	}
	return ui.Elapsed(d)
}

// now returns how many incidents need attention.
func (p ListPage) now() string {
	if p.Open+p.Acknowledged == 0 {
		return "None"
	}
	if p.Acknowledged == 0 {
		return ui.Count(p.Open)
	}
	return ui.Count(p.Open) + " and " + ui.Count(p.Acknowledged) + " acknowledged"
}

// firstAlert returns the median time until the first alert, or "".
func (s Stats) firstAlert() string {
	if s.MedianAlertDelay == 0 {
		return ""
	}
	return ui.Latency(s.MedianAlertDelay) + " after opening"
}

// Fragments returns the counts and statistics around the list, and its bar of updates.
func (p ListPage) Fragments() []layout.Fragment {
	return layout.NewFragments([]string{"stats", "states", "news"}, func(_ ui.Clock, name string) templ.Component {
		return listFragment(p, name)
	})
}
