package accountview

import "overdue/internal/web/view/ui"

// minPasswordLength is the minimum number of characters.
const minPasswordLength = 12

// newPassword returns the control for a new password. It never contains a value: a
// typed password does not go back to the browser, even if the form has an error.
func newPassword(in ui.Input) ui.Control {
	return ui.Control{
		ID: "pw", Name: "password", Label: "Password", In: ui.Input{Error: in.Error}, Type: "password",
		Autocomplete: "new-password", Required: true, MinLength: minPasswordLength,
		Hint: "At least 12 characters. Several words are fine.",
	}
}

// currentPassword returns the control for an existing password, which the browser
// can fill in.
func currentPassword(words string) ui.Control {
	return ui.Control{
		ID: "pw", Name: "password", Label: "Password", In: ui.Input{Error: words}, Type: "password",
		Autocomplete: "current-password", Required: true,
	}
}
