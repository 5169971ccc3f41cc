package heartbeatview

import (
	"slices"

	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// detailFragments are the parts of the page of one heartbeat that a ping, or
// somebody else, may change while it is open. Its hero is another, see
// [StatusPanel].
var detailFragments = []string{"untold", "failing", "actions", "ping", "next", "runs", "log", "incidents", "danger", "why", "month"}

// Fragments are the parts of the page that change while it is open. A page of
// older events has none of the log, which has moved on.
func (p DetailPage) Fragments() []layout.Fragment {
	names := detailFragments
	if p.Log.IsOlderPage {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "log" })
	}
	p.Log.ExpandFirst = false // what comes later opens nothing by itself
	return layout.NewFragments(names, func(c ui.Clock, name string) templ.Component {
		p.Clock = c
		return fragment(p, name)
	})
}

// Fragments are the counts above the list, and what is said above them.
func (p ListPage) Fragments() []layout.Fragment {
	names := []string{"untold", "running", "news"}
	if p.NextHour != nil {
		names = append(names, "tally", "ahead")
	}
	return layout.NewFragments(names, func(c ui.Clock, name string) templ.Component {
		p.Clock = c
		return listFragment(p, name)
	})
}
