package view

import "time"

// AccountPage is about the person who is signed in: name, password, sessions.
type AccountPage struct {
	Shell
	Name            Input
	CurrentPassword Input // the password as it is; only the error is used
	NewPassword     Input
	Sessions        []Session
}

// Session is one browser that is signed in.
type Session struct {
	ID       string
	Browser  string // "Firefox on Linux", from the user agent
	Address  string // address it was last seen from
	Created  time.Time
	LastSeen time.Time
	Current  bool // the one that looks at this page
}

// otherSessions counts the sessions that “sign out everywhere else” would end.
func (p AccountPage) otherSessions() int {
	n := 0
	for _, s := range p.Sessions {
		if !s.Current {
			n++
		}
	}
	return n
}

// currentPasswordControl asks again who is there: a browser left open must not be enough
// to change the password.
func (p AccountPage) currentPasswordControl() control {
	return control{
		id: "old", name: "old_password", label: "Password now", in: Input{Error: p.CurrentPassword.Error},
		kind: "password", autocomplete: "current-password", required: true,
	}
}

// newPasswordControl says what else happens, since it is not obvious that other
// browsers are signed out.
func (p AccountPage) newPasswordControl() control {
	c := newPassword(p.NewPassword)
	c.id, c.name, c.label = "new", "new_password", "New password"
	c.hint += " Every other session is ended."
	return c
}
