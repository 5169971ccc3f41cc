package accountview

import "overdue/internal/web/view/layout"

// SignInPage is where a session begins.
type SignInPage struct {
	layout.SignedOutShell
	Host         string // the name that people know this installation by
	Email        string
	Error        string // one text for both fields: it must not tell which was wrong
	KeepSignedIn bool
	Next         string // where to go afterwards, a path; carried along
	Notice       string // what led here: "You have been signed out."
	HeldForm     string // a form that waits for the sign-in, sealed by the server

	CanMailReset bool // a link for a new password can be sent
}
