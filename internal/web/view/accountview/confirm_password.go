package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// ConfirmPasswordPage asks for the password again. An unattended browser must not be
// enough for the action.
type ConfirmPasswordPage struct {
	layout.Shell
	Title      string   // "Sign out everywhere else?"
	Action     string   // path that the password is sent to
	Password   ui.Input // only the error is used
	CancelPath string
}

// password returns the control.
func (p ConfirmPasswordPage) password() ui.Control {
	return ui.Control{
		ID: "password", Name: "password", Label: "Your password", In: ui.Input{Error: p.Password.Error},
		Type: "password", Autocomplete: "current-password", Required: true,
	}
}
