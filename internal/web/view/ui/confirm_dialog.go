package ui

import "github.com/a-h/templ"

// Confirmation asks before something that cannot be undone. The person types a
// word, which the server checks: script is not needed for it to be safe.
type Confirmation struct {
	ID            string
	Action        templ.SafeURL
	Title, Text   string
	Label, Button string
}
