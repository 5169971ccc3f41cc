package monitor

import "time"

// Role is the role of a person in a project. A higher role includes the permissions of the lower
// ones.
type Role int

// The roles, lowest first. The zero Role has no permissions.
const (
	Viewer Role = iota + 1
	Member
	Admin
	Owner
)

// roleNames are the roles as they are stored and shown.
var roleNames = [...]string{Viewer: "viewer", Member: "member", Admin: "admin", Owner: "owner"}

// String returns the name of the role, or "" for the zero Role.
func (r Role) String() string {
	if r < Viewer || r > Owner {
		return ""
	}
	return roleNames[r]
}

// ParseRole returns the role with a name, and false if none exists.
func ParseRole(name string) (Role, bool) {
	for r := Viewer; r <= Owner; r++ {
		if roleNames[r] == name {
			return r, true
		}
	}
	return 0, false
}

// MayGrant reports whether a person of role r may grant, change or revoke the role other. No one
// grants a role above their own, or changes a person with a higher role.
func (r Role) MayGrant(other Role) bool {
	return r >= Admin && r <= Owner && other >= Viewer && other <= r
}

// Person is a user who can sign in. The password is stored only as a hash.
type Person struct {
	ID       string
	Email    string // as written; addresses that differ only in case are the same
	Name     string
	Zone     string // time zone of the pages; empty: the zone of the project
	Created  time.Time
	LastSeen time.Time // zero if never
}

// Membership is the role of a person in a project.
type Membership struct {
	Project Project
	Role    Role
}

// ProjectMember is a person with their role in a project.
type ProjectMember struct {
	Person
	Role Role
}

// InvitationLifetime is the period in which an invitation can be accepted.
const InvitationLifetime = 7 * 24 * time.Hour

// Invitation invites a person to a project. Its token is stored only as a hash.
type Invitation struct {
	ID          string
	Project     int64
	Email       string
	Role        Role
	InvitedBy   string // name of the person who sent it
	InvitedByID string // id of that person
	Created     time.Time
	ExpiresAt   time.Time
}

// Session is one browser in which a person is signed in. Its token is stored only as a hash.
type Session struct {
	ID           string
	Person       string
	Created      time.Time
	LastSeen     time.Time
	ExpiresAt    time.Time // without further activity, if KeepSignedIn is false
	KeepSignedIn bool      // the person chose to stay signed in
	LastAddress  string    // last client address
	UserAgent    string    // of the browser
}

// Limits of a session.
const (
	SessionLifetime    = 30 * 24 * time.Hour // maximum, with or without activity
	SessionIdleTimeout = 12 * time.Hour      // without activity, if KeepSignedIn is false
)

// ExpiryFrom returns when the session expires if there is no activity after now.
func (s Session) ExpiryFrom(now time.Time) time.Time {
	last := s.Created.Add(SessionLifetime)
	if idle := now.Add(SessionIdleTimeout); !s.KeepSignedIn && idle.Before(last) {
		return idle
	}
	return last
}

// Feedback is a reader's rating of a page of the manual.
type Feedback struct {
	ID      string
	Project int64 // current project of the reader; 0 if not signed in
	At      time.Time
	Page    string
	Helpful bool
	Comment string
	Person  string // name of the reader, "" if not signed in
}
