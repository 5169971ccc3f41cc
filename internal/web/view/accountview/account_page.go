package accountview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// AccountPage is about the person who is signed in: name, password, sessions.
type AccountPage struct {
	layout.Shell
	Name            ui.Input
	CurrentPassword ui.Input // the password as it is; only the error is used
	NewPassword     ui.Input
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
func (p AccountPage) currentPasswordControl() ui.Control {
	return ui.Control{
		ID: "old", Name: "old_password", Label: "Password now", In: ui.Input{Error: p.CurrentPassword.Error},
		Type: "password", Autocomplete: "current-password", Required: true,
	}
}

// newPasswordControl says what else happens, since it is not obvious that other
// browsers are signed out.
func (p AccountPage) newPasswordControl() ui.Control {
	c := newPassword(p.NewPassword)
	c.ID, c.Name, c.Label = "new", "new_password", "New password"
	c.Hint += " Every other session is ended."
	return c
}
