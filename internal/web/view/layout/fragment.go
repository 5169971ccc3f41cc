package layout

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// Fragment is a part of a page that the event stream sends again when it changes.
// The page and the stream render it with the same template.
type Fragment struct {
	Name string // its id without the prefix "live-"
	Draw func(ui.Clock) templ.Component
}

// Fragments returns the counts in the sidebar.
func (s Shell) Fragments() []Fragment {
	return NewFragments([]string{"down", "unresolved", "failing-channels"}, func(_ ui.Clock, name string) templ.Component {
		return navCount(s, name)
	})
}

// NewFragments returns fragments that one function renders by name.
func NewFragments(names []string, draw func(c ui.Clock, name string) templ.Component) []Fragment {
	all := make([]Fragment, 0, len(names))
	for _, name := range names {
		all = append(all, Fragment{name, func(c ui.Clock) templ.Component { return draw(c, name) }})
	}
	return all
}
