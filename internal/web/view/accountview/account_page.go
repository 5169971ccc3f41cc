package accountview

import (
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// AccountPage has the name, password and sessions of the signed-in person.
type AccountPage struct {
	layout.Shell
	Name            ui.Input
	Zone            ui.Input // empty: DefaultZone
	DefaultZone     string   // of the browser, or of the project if the browser's is unknown
	Zones           []string // suggested time zones
	CurrentPassword ui.Input // only the error is used
	NewPassword     ui.Input
	Sessions        []Session
}

// Session is a signed-in browser.
type Session struct {
	ID       string
	Browser  string // "Firefox on Linux", from the user agent
	Address  string // last IP address
	Created  time.Time
	LastSeen time.Time
	Current  bool // the browser that shows this page
}

// otherSessions counts the sessions that “Sign out everywhere else” ends.
func (p AccountPage) otherSessions() int {
	n := 0
	for _, s := range p.Sessions {
		if !s.Current {
			n++
		}
	}
	return n
}

// currentPasswordControl asks for the password again: an unattended browser must
// not be enough to change it.
func (p AccountPage) currentPasswordControl() ui.Control {
	return ui.Control{
		ID: "old", Name: "old_password", Label: "Current password", In: ui.Input{Error: p.CurrentPassword.Error},
		Type: "password", Autocomplete: "current-password", Required: true,
	}
}

// newPasswordControl also says that other browsers are signed out.
func (p AccountPage) newPasswordControl() ui.Control {
	c := newPassword(p.NewPassword)
	c.ID, c.Name, c.Label = "new", "new_password", "New password"
	c.Hint += " All other sessions will be signed out."
	return c
}

// zoneControl asks for the time zone of the pages.
func (p AccountPage) zoneControl() ui.Control {
	return ui.Control{
		ID: "zone", Name: "timezone", Label: "Time zone of your pages", In: p.Zone, DataList: "zones", Autocomplete: "off", Verbatim: true, Optional: true,
		Placeholder: p.DefaultZone, Hint: "Empty means the time zone of the browser. Schedules keep their own time zone. Alerts use the time zone of the project.",
	}
}
