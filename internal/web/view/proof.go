package view

// ConfirmPasswordPage asks for the password once more, before something that a browser
// which was left open must not be enough for.
type ConfirmPasswordPage struct {
	Shell
	Title      string // "Sign out everywhere else?"
	Action     string // posted to, with the password
	Password   Input  // only the error is used
	CancelPath string
}

// password is the field.
func (p ConfirmPasswordPage) password() control {
	return control{
		id: "password", name: "password", label: "Your password", in: Input{Error: p.Password.Error},
		kind: "password", autocomplete: "current-password", required: true,
	}
}
