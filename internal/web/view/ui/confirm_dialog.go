package ui

import "github.com/a-h/templ"

// Confirmation is a question before an action that cannot be undone. The person
// types a word, and the server checks it: the question also works without script.
type Confirmation struct {
	ID            string
	Action        templ.SafeURL
	Title, Text   string
	Label, Button string
}
