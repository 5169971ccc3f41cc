package accountview

import (
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// RequestResetPage asks for the email address of a password reset.
type RequestResetPage struct {
	layout.SignedOutShell
	Email ui.Input
	Sent  bool // an email was sent if the address has an account
}

// NewPasswordPage is the page that the link in a password reset opens.
type NewPasswordPage struct {
	layout.SignedOutShell
	Token, Email string
	Password     ui.Input
	Expired      bool // the link was used, replaced or has expired
	CanMailReset bool // the server can send another link by email
}
