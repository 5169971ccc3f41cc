package view

import "github.com/a-h/templ"

// confirmation asks before something that cannot be undone. The person types a
// word, which the server checks: script is not needed for it to be safe.
type confirmation struct {
	id            string
	action        templ.SafeURL
	title, text   string
	label, button string
}

// ConfirmPage asks the same on a page of its own: for many things at once, and
// for those who have no script.
type ConfirmPage struct {
	Shell
	Section    string   // entry of the sidebar
	Title      string   // "Delete 3 heartbeats?"
	Text       string   // what is lost
	Items      []string // what it is about
	Action     string
	Fields     []Option // carried along; Label is the name of the field
	Label      string   // what to type: "Type delete to confirm"
	Typed      Input
	Button     string
	CancelPath string
}
