package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// InvitationPage is where someone who was invited makes an account, or takes
// up the invitation with the one they have.
type InvitationPage struct {
	layout.SignedOutShell
	Token, Email, Project, Role string
	InvitedBy                   string
	HasAccount                  bool // the address has an account: only its password is asked for
	Name, Password              ui.Input
	Expired                     bool // used, withdrawn or too old
}
