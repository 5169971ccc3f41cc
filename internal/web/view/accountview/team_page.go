package accountview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// TeamPage has the members of the project and the pending invitations.
type TeamPage struct {
	layout.Shell
	Members        []Member
	Invitations    []SentInvitation
	OrphanedKeys   []APIKey // creators have left or may no longer create keys
	Email          ui.Input // of the new invitation
	Role           string   // of the new invitation
	InvitationLink string   // of the invitation that was just created; shown only once
	SendsMail      bool     // invitations are sent by email; otherwise the link is handed over
}

// Member is one person of the project.
type Member struct {
	ID, Name, Email, Role string
	LastSeen              time.Time // zero means never
	You                   bool
	RoleFixed             bool // the last owner, or a role above that of the reader
}

// SentInvitation is a pending invitation.
type SentInvitation struct {
	ID, Email, Role, SentBy string
	Sent, Expires           time.Time
}

func personCount(n int) string {
	if n == 1 {
		return "1 person"
	}
	return ui.Count(n) + " people"
}

// grantableRoles returns the roles that the reader may grant: no role above their
// own.
func (p TeamPage) grantableRoles() []ui.Option {
	if p.User.Role == "owner" {
		return roles
	}
	return roles[1:]
}
