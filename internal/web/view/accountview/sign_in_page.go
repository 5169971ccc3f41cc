package accountview

import "overdue/internal/web/view/layout"

// SignInPage asks for email and password.
type SignInPage struct {
	layout.SignedOutShell
	Host         string // host name of this installation
	Email        string
	Error        string // one text for both fields: it must not reveal which one is wrong
	KeepSignedIn bool
	Next         string // path of the page to open after sign-in
	Notice       string // "You have been signed out."
	HeldForm     string // a form to continue after sign-in, encrypted by the server

	CanMailReset bool // the server can send a reset link by email
}
