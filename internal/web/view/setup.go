package view

// SetupPage creates the owner. It is reached by the one-time link that the
// first start prints.
type SetupPage struct {
	Gate
	Token                                string // of the one-time link, sent back with the form
	Name, Email, Password, Project, Zone Input
	Zones                                []string
}

// SignInPage is where a session begins.
type SignInPage struct {
	Gate
	Host  string // the name that people know this installation by
	Email string
	Error string // one text for both fields: it must not tell which was wrong
	Keep  bool
	Next  string // where to go afterwards, a path; carried along
	Note  string // what led here: "You have been signed out."
	Draft string // a form that waits for the sign-in, sealed by the server

	Mails bool // a link for a new password can be sent
}

// AskResetPage asks where a link for a new password goes.
type AskResetPage struct {
	Gate
	Email Input
	Sent  bool // if the address has an account; the page does not know
}

// NewPasswordPage is behind that link.
type NewPasswordPage struct {
	Gate
	Token, Email string
	Password     Input
	Gone         bool // used, replaced or too old
	Mails        bool // another link can be sent
}

// InvitationPage is where someone who was invited makes an account, or takes
// up the invitation with the one they have.
type InvitationPage struct {
	Gate
	Token, Email, Project, Role string
	InvitedBy                   string
	Known                       bool // the address has an account: only its password is asked for
	Name, Password              Input
	Gone                        bool // used, withdrawn or too old
}

// shortestPassword is in characters.
const shortestPassword = 12

// newPassword never holds what was typed: a password does not go back to the
// browser, also when something else in the form was wrong.
func newPassword(in Input) control {
	return control{
		id: "pw", name: "password", label: "Password", in: Input{Error: in.Error}, kind: "password",
		autocomplete: "new-password", required: true, shortest: shortestPassword,
		hint: "At least 12 characters. A few words in a row are fine.",
	}
}

// knownPassword asks for a password that exists, for the browser to fill in.
func knownPassword(words string) control {
	return control{
		id: "pw", name: "password", label: "Password", in: Input{Error: words}, kind: "password",
		autocomplete: "current-password", required: true,
	}
}

// RoleAbout says what a role may do.
func RoleAbout(role string) string {
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
	Gate
	Stale bool // they had a link that does not work any more
}
