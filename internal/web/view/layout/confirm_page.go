package layout

import "overdue/internal/web/view/ui"

// ConfirmPage asks the same on a page of its own: for many things at once, and
// for those who have no script.
type ConfirmPage struct {
	Shell
	Section    string   // entry of the sidebar
	Title      string   // "Delete 3 heartbeats?"
	Text       string   // what is lost
	Items      []string // what it is about
	Action     string
	Fields     []ui.Option // carried along; Label is the name of the field
	Label      string      // what to type: "Type delete to confirm"
	Typed      ui.Input
	Button     string
	CancelPath string
}
