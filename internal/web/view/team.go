package view

import "time"

// TeamPage lists who belongs to the project, and who was asked to.
type TeamPage struct {
	Shell
	Members        []Member
	Invitations    []SentInvitation
	OrphanedKeys   []APIKey // of makers who could not make them any more
	Email          Input    // of the invitation that is being written
	Role           string   // of it
	InvitationLink string   // of the invitation just made, shown once; empty otherwise
	SendsMail      bool     // invitations are sent by e-mail; otherwise the link is handed over
}

// Member is one person of the project.
type Member struct {
	ID, Name, Email, Role string
	LastSeen              time.Time // zero: never
	You                   bool
	RoleFixed             bool // the role cannot be changed: the last owner, or above one's own
}

// SentInvitation is one that was not taken up yet.
type SentInvitation struct {
	ID, Email, Role, SentBy string
	Sent, Expires           time.Time
}

// roles from most to least.
var roles = []Option{{"owner", "Owner"}, {"admin", "Admin"}, {"member", "Member"}, {"viewer", "Viewer"}}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return Count(n) + " people"
}

// grantableRoles are the roles that this person may give: nobody makes someone higher
// than themselves.
func (p TeamPage) grantableRoles() []Option {
	if p.User.Role == "owner" {
		return roles
	}
	return roles[1:]
}
