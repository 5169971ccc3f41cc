package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// SetupPage creates the owner. It is reached by the one-time link that the
// first start prints.
type SetupPage struct {
	layout.SignedOutShell
	Token                                string // of the one-time link, sent back with the form
	Name, Email, Password, Project, Zone ui.Input
	Zones                                []string
}

// SetupWaitingPage is for whoever comes before there is an owner and without
// the one-time link.
type SetupWaitingPage struct {
	layout.SignedOutShell
	LinkExpired bool // they had a link that does not work any more
}
