package incidentview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// detailFragments lists the fragments of the page of one incident.
var detailFragments = []string{"channel-warning", "failing", "actions", "timeline", "deliveries", "note-form", "facts"}

// Fragments returns the parts of the page that change while it is open.
func (p DetailPage) Fragments() []layout.Fragment {
	return layout.NewFragments(detailFragments, func(c ui.Clock, name string) templ.Component {
		p.Clock = c
		return fragment(p, name)
	})
}
