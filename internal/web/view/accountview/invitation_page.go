package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// InvitationPage is the page that the link in an invitation opens. The invited
// person creates an account or signs in.
type InvitationPage struct {
	layout.SignedOutShell
	Token, Email, Project, Role string
	InvitedBy                   string
	HasAccount                  bool // the address has an account: the page only asks for its password
	Name, Password              ui.Input
	Expired                     bool // the invitation was used, withdrawn or has expired
}
