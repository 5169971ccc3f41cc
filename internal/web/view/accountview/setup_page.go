package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// SetupPage creates the owner account. The one-time link that the first start
// prints opens it.
type SetupPage struct {
	layout.SignedOutShell
	Token                                string // of the one-time link; part of the form
	Name, Email, Password, Project, Zone ui.Input
	Zones                                []string
}

// SetupWaitingPage is shown without the one-time link, as long as there is no owner.
type SetupWaitingPage struct {
	layout.SignedOutShell
	LinkExpired bool // the reader opened an invalid link
}
