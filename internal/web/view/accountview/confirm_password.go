package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// ConfirmPasswordPage asks for the password once more, before something that a browser
// which was left open must not be enough for.
type ConfirmPasswordPage struct {
	layout.Shell
	Title      string   // "Sign out everywhere else?"
	Action     string   // posted to, with the password
	Password   ui.Input // only the error is used
	CancelPath string
}

// password is the field.
func (p ConfirmPasswordPage) password() ui.Control {
	return ui.Control{
		ID: "password", Name: "password", Label: "Your password", In: ui.Input{Error: p.Password.Error},
		Type: "password", Autocomplete: "current-password", Required: true,
	}
}
