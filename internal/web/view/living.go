package view

import (
	"slices"

	"github.com/a-h/templ"
)

// Fragment is a part of a page that the live stream sends anew when it has
// changed. The page and the stream draw it with the same template.
type Fragment struct {
	Name string // of the part, without the "live-" that its id begins with
	Draw func(Clock) templ.Component
}

// heartbeatFragments are the parts of the page of one heartbeat that a ping, or
// somebody else, may change while it is open. Its hero is another, see
// [HeartbeatHero].
var heartbeatFragments = []string{"untold", "failing", "actions", "ping", "next", "runs", "log", "incidents", "danger", "why", "month"}

// Fragments are the parts of the page that change while it is open. A page of
// older events has none of the log, which has moved on.
func (p HeartbeatPage) Fragments() []Fragment {
	names := heartbeatFragments
	if p.Log.IsOlderPage {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "log" })
	}
	p.Log.ExpandFirst = false // what comes later opens nothing by itself
	return newFragments(names, func(c Clock, name string) templ.Component {
		p.Clock = c
		return heartbeatPart(p, name)
	})
}

// incidentFragments are the same of the page of one incident.
var incidentFragments = []string{"untold", "failing", "actions", "timeline", "deliveries", "act", "facts"}

// Fragments are the parts of the page that change while it is open.
func (p IncidentPage) Fragments() []Fragment {
	return newFragments(incidentFragments, func(c Clock, name string) templ.Component {
		p.Clock = c
		return incidentPart(p, name)
	})
}

// Fragments are the counts above the list, and what is said above them.
func (p HeartbeatsPage) Fragments() []Fragment {
	names := []string{"untold", "running", "news"}
	if p.NextHour != nil {
		names = append(names, "tally", "ahead")
	}
	return newFragments(names, func(c Clock, name string) templ.Component {
		p.Clock = c
		return listPart(p, name)
	})
}

// Fragments are the counts in the sidebar.
func (s Shell) Fragments() []Fragment {
	return newFragments([]string{"down", "unresolved", "broken"}, func(_ Clock, name string) templ.Component {
		return navCount(s, name)
	})
}

// newFragments are parts that one function draws by name.
func newFragments(names []string, draw func(c Clock, name string) templ.Component) []Fragment {
	all := make([]Fragment, 0, len(names))
	for _, name := range names {
		all = append(all, Fragment{name, func(c Clock) templ.Component { return draw(c, name) }})
	}
	return all
}
