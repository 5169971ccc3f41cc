package heartbeatview

import (
	"slices"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// detailFragments lists the fragments of the page of one heartbeat. [StatusPanel]
// is sent separately.
var detailFragments = []string{"channel-warning", "failing", "actions", "why", "runs", "log", "incidents", "ping", "next", "danger"}

// mainFragments lists the fragments of the main column in their order. Until the first
// ping, the ping URL and the snippets come first.
func (p DetailPage) mainFragments() []string {
	if p.Heartbeat.isNew() {
		return []string{"ping", "next", "runs", "log", "incidents"}
	}
	return []string{"runs", "log", "incidents", "ping", "next"}
}

// Fragments returns the parts of the page that change while it is open. The log is
// not among them on a page with older events.
func (p DetailPage) Fragments() []layout.Fragment {
	names := detailFragments
	if p.Log.IsOlderPage {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "log" })
	}
	p.Log.ExpandFirst = false // a new event must not open by itself
	return layout.NewFragments(names, func(c ui.Clock, name string) templ.Component {
		p.Clock = c
		return fragment(p, name)
	})
}

// Fragments returns the counts and warnings above the list.
func (p ListPage) Fragments() []layout.Fragment {
	names := []string{"channel-warning", "running", "news"}
	if p.NextHour != nil {
		names = append(names, "tally", "ahead")
	}
	return layout.NewFragments(names, func(c ui.Clock, name string) templ.Component {
		p.Clock = c
		return listFragment(p, name)
	})
}
