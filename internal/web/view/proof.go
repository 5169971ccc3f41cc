package view

// ProofPage asks for the password once more, before something that a browser
// which was left open must not be enough for.
type ProofPage struct {
	Shell
	Title    string // "Sign out everywhere else?"
	Action   string // posted to, with the password
	Password Input  // only the error is used
	Back     string
}

// password is the field.
func (p ProofPage) password() control {
	return control{
		id: "password", name: "password", label: "Your password", in: Input{Error: p.Password.Error},
		kind: "password", autocomplete: "current-password", required: true,
	}
}
