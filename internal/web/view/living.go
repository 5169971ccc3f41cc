package view

import (
	"slices"

	"github.com/a-h/templ"
)

// Living is a part of a page that the live stream sends anew when it has
// changed. The page and the stream draw it with the same template.
type Living struct {
	Name string // of the part, without the "live-" that its id begins with
	Draw func(Clock) templ.Component
}

// heartbeatParts are the parts of the page of one heartbeat that a ping, or
// somebody else, may change while it is open. Its hero is another, see
// [HeartbeatHero].
var heartbeatParts = []string{"untold", "failing", "actions", "ping", "next", "runs", "log", "incidents", "danger", "why", "month"}

// Living are the parts of the page that change while it is open. A page of
// older events has none of the log, which has moved on.
func (p HeartbeatPage) Living() []Living {
	names := heartbeatParts
	if p.Log.Past {
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "log" })
	}
	p.Log.OpenFirst = false // what comes later opens nothing by itself
	return livingParts(names, func(c Clock, name string) templ.Component {
		p.Clock = c
		return heartbeatPart(p, name)
	})
}

// incidentParts are the same of the page of one incident.
var incidentParts = []string{"untold", "failing", "actions", "timeline", "deliveries", "act", "facts"}

// Living are the parts of the page that change while it is open.
func (p IncidentPage) Living() []Living {
	return livingParts(incidentParts, func(c Clock, name string) templ.Component {
		p.Clock = c
		return incidentPart(p, name)
	})
}

// Living are the counts above the list, and what is said above them.
func (p HeartbeatsPage) Living() []Living {
	names := []string{"untold", "running", "news"}
	if p.Ahead != nil {
		names = append(names, "tally", "ahead")
	}
	return livingParts(names, func(c Clock, name string) templ.Component {
		p.Clock = c
		return listPart(p, name)
	})
}

// Living are the counts in the sidebar.
func (s Shell) Living() []Living {
	return livingParts([]string{"down", "unresolved", "broken"}, func(_ Clock, name string) templ.Component {
		return navCount(s, name)
	})
}

// livingParts are parts that one function draws by name.
func livingParts(names []string, draw func(c Clock, name string) templ.Component) []Living {
	all := make([]Living, 0, len(names))
	for _, name := range names {
		all = append(all, Living{name, func(c Clock) templ.Component { return draw(c, name) }})
	}
	return all
}
