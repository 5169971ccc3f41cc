package layout

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// Fragment is a part of a page that the live stream sends anew when it has
// changed. The page and the stream draw it with the same template.
type Fragment struct {
	Name string // of the part, without the "live-" that its id begins with
	Draw func(ui.Clock) templ.Component
}

// Fragments are the counts in the sidebar.
func (s Shell) Fragments() []Fragment {
	return NewFragments([]string{"down", "unresolved", "broken"}, func(_ ui.Clock, name string) templ.Component {
		return navCount(s, name)
	})
}

// NewFragments are parts that one function draws by name.
func NewFragments(names []string, draw func(c ui.Clock, name string) templ.Component) []Fragment {
	all := make([]Fragment, 0, len(names))
	for _, name := range names {
		all = append(all, Fragment{name, func(c ui.Clock) templ.Component { return draw(c, name) }})
	}
	return all
}
