package accountview

import "overdue/internal/web/view/ui"

// minPasswordLength is in characters.
const minPasswordLength = 12

// newPassword never holds what was typed: a password does not go back to the
// browser, also when something else in the form was wrong.
func newPassword(in ui.Input) ui.Control {
	return ui.Control{
		ID: "pw", Name: "password", Label: "Password", In: ui.Input{Error: in.Error}, Type: "password",
		Autocomplete: "new-password", Required: true, MinLength: minPasswordLength,
		Hint: "At least 12 characters. A few words in a row are fine.",
	}
}

// currentPassword asks for a password that exists, for the browser to fill in.
func currentPassword(words string) ui.Control {
	return ui.Control{
		ID: "pw", Name: "password", Label: "Password", In: ui.Input{Error: words}, Type: "password",
		Autocomplete: "current-password", Required: true,
	}
}
