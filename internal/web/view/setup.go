package view

// SetupPage creates the owner. It is reached by the one-time link that the
// first start prints.
type SetupPage struct {
	SignedOutShell
	Token                                string // of the one-time link, sent back with the form
	Name, Email, Password, Project, Zone Input
	Zones                                []string
}

// SignInPage is where a session begins.
type SignInPage struct {
	SignedOutShell
	Host         string // the name that people know this installation by
	Email        string
	Error        string // one text for both fields: it must not tell which was wrong
	KeepSignedIn bool
	Next         string // where to go afterwards, a path; carried along
	Notice       string // what led here: "You have been signed out."
	HeldForm     string // a form that waits for the sign-in, sealed by the server

	CanMailReset bool // a link for a new password can be sent
}

// RequestResetPage asks where a link for a new password goes.
type RequestResetPage struct {
	SignedOutShell
	Email Input
	Sent  bool // if the address has an account; the page does not know
}

// NewPasswordPage is behind that link.
type NewPasswordPage struct {
	SignedOutShell
	Token, Email string
	Password     Input
	Expired      bool // used, replaced or too old
	CanMailReset bool // another link can be sent
}

// InvitationPage is where someone who was invited makes an account, or takes
// up the invitation with the one they have.
type InvitationPage struct {
	SignedOutShell
	Token, Email, Project, Role string
	InvitedBy                   string
	HasAccount                  bool // the address has an account: only its password is asked for
	Name, Password              Input
	Expired                     bool // used, withdrawn or too old
}

// minPasswordLength is in characters.
const minPasswordLength = 12

// newPassword never holds what was typed: a password does not go back to the
// browser, also when something else in the form was wrong.
func newPassword(in Input) control {
	return control{
		id: "pw", name: "password", label: "Password", in: Input{Error: in.Error}, kind: "password",
		autocomplete: "new-password", required: true, shortest: minPasswordLength,
		hint: "At least 12 characters. A few words in a row are fine.",
	}
}

// currentPassword asks for a password that exists, for the browser to fill in.
func currentPassword(words string) control {
	return control{
		id: "pw", name: "password", label: "Password", in: Input{Error: words}, kind: "password",
		autocomplete: "current-password", required: true,
	}
}

// RoleDescription says what a role may do.
func RoleDescription(role string) string {
	switch role {
	case "owner":
		return "Everything, also deleting the project."
	case "admin":
		return "Everything but deleting the project and changing owners."
	case "member":
		return "Heartbeats, incidents and channels."
	default:
		return "Looks, and sees no ping URL."
	}
}

// SetupWaitingPage is for whoever comes before there is an owner and without
// the one-time link.
type SetupWaitingPage struct {
	SignedOutShell
	LinkExpired bool // they had a link that does not work any more
}
