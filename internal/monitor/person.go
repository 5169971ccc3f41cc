package monitor

import "time"

// Role is what somebody is in a project. A higher role may all that a lower
// one may.
type Role int

// The roles, lowest first. The zero Role is none and may nothing.
const (
	Viewer Role = iota + 1
	Member
	Admin
	Owner
)

// roleNames are the roles as they are stored and shown.
var roleNames = [...]string{Viewer: "viewer", Member: "member", Admin: "admin", Owner: "owner"}

// String returns the role's name, empty for none.
func (r Role) String() string {
	if r < Viewer || r > Owner {
		return ""
	}
	return roleNames[r]
}

// ParseRole returns the role with a name, and false when there is none.
func ParseRole(name string) (Role, bool) {
	for r := Viewer; r <= Owner; r++ {
		if roleNames[r] == name {
			return r, true
		}
	}
	return 0, false
}

// MayGrant reports whether somebody of role r may give, change or take the role
// other: nobody makes anyone higher than themselves, or lowers who is higher.
func (r Role) MayGrant(other Role) bool {
	return r >= Admin && r <= Owner && other >= Viewer && other <= r
}

// Person is somebody who can sign in. The password is kept only as a hash.
type Person struct {
	ID       string
	Email    string // as written; two addresses that differ only in case are one
	Name     string
	Created  time.Time
	LastSeen time.Time // zero: never
}

// Membership is what a person is in a project.
type Membership struct {
	Project Project
	Role    Role
}

// ProjectMember is a person as a project sees them.
type ProjectMember struct {
	Person
	Role Role
}

// InvitationLifetime is for how long an invitation can be taken up.
const InvitationLifetime = 7 * 24 * time.Hour

// Invitation asks somebody into a project. Its token is kept only as a hash.
type Invitation struct {
	ID          string
	Project     int64
	Email       string
	Role        Role
	InvitedBy   string // who sent it, as people know them
	InvitedByID string // their person
	Created     time.Time
	ExpiresAt   time.Time
}

// Session is one browser in which a person is signed in. Its token is kept only
// as a hash.
type Session struct {
	ID           string
	Person       string
	Created      time.Time
	LastSeen     time.Time
	ExpiresAt    time.Time // unless it is seen again before, when Keep is false
	KeepSignedIn bool      // "keep me signed in"
	LastAddress  string    // that it was last seen from
	UserAgent    string    // what the browser calls itself
}

// How long a session lasts.
const (
	SessionLifetime    = 30 * 24 * time.Hour // whatever happens
	SessionIdleTimeout = 12 * time.Hour      // unseen, unless it is kept
)

// ExpiryFrom is when the session ends if it is not seen after now.
func (s Session) ExpiryFrom(now time.Time) time.Time {
	last := s.Created.Add(SessionLifetime)
	if idle := now.Add(SessionIdleTimeout); !s.KeepSignedIn && idle.Before(last) {
		return idle
	}
	return last
}

// Feedback is what a reader thought of a page of the manual.
type Feedback struct {
	ID      string
	Project int64 // that the reader looked at; 0 when nobody was signed in
	At      time.Time
	Page    string
	Helpful bool
	Comment string
	Person  string // the reader's name, empty when nobody was signed in
}
