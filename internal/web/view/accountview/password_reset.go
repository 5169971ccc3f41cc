package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// RequestResetPage asks where a link for a new password goes.
type RequestResetPage struct {
	layout.SignedOutShell
	Email ui.Input
	Sent  bool // if the address has an account; the page does not know
}

// NewPasswordPage is behind that link.
type NewPasswordPage struct {
	layout.SignedOutShell
	Token, Email string
	Password     ui.Input
	Expired      bool // used, replaced or too old
	CanMailReset bool // another link can be sent
}
