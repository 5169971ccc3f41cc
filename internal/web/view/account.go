package view

import "time"

// AccountPage is about the person who is signed in: name, password, sessions.
type AccountPage struct {
	Shell
	Name     Input
	Old      Input // the password as it is; only the error is used
	New      Input
	Sessions []Session
}

// Session is one browser that is signed in.
type Session struct {
	ID       string
	Browser  string // "Firefox on Linux", from the user agent
	Source   string // address it was last seen from
	Created  time.Time
	LastSeen time.Time
	Current  bool // the one that looks at this page
}

// others counts the sessions that “sign out everywhere else” would end.
func (p AccountPage) others() int {
	n := 0
	for _, s := range p.Sessions {
		if !s.Current {
			n++
		}
	}
	return n
}

// oldPassword asks again who is there: a browser left open must not be enough
// to change the password.
func (p AccountPage) oldPassword() control {
	return control{
		id: "old", name: "old_password", label: "Password now", in: Input{Error: p.Old.Error},
		kind: "password", autocomplete: "current-password", required: true,
	}
}

// newPassword says what else happens, since it is not obvious that other
// browsers are signed out.
func (p AccountPage) newPassword() control {
	c := newPassword(p.New)
	c.id, c.name, c.label = "new", "new_password", "New password"
	c.hint += " Every other session is ended."
	return c
}
