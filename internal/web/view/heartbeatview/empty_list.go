package heartbeatview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// EmptyListPage is the list of a project that has no heartbeats yet: the path from
// nothing to the first ping. A viewer is told to wait.
type EmptyListPage struct {
	layout.Shell
	Updates               layout.ListUpdates
	PingURLPrefix         string   // what ping URLs start with, up to the id
	Name, Interval, Grace ui.Input // what was written, when it came back with errors
}

// Fragments is the part of the page that changes while it is open.
func (p EmptyListPage) Fragments() []layout.Fragment { return layout.UpdatesFragment(p.Updates) }
