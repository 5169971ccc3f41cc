package heartbeatview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// EmptyListPage is the list of a project without heartbeats. It shows the steps to
// the first ping. A viewer sees a note instead.
type EmptyListPage struct {
	layout.Shell
	Updates               layout.ListUpdates
	PingURLPrefix         string   // start of all ping URLs
	Name, Interval, Grace ui.Input // typed values, if the form had errors
}

// Fragments is the part of the page that changes while it is open.
func (p EmptyListPage) Fragments() []layout.Fragment { return layout.UpdatesFragment(p.Updates) }
