package layout

import "overdue/internal/web/view/ui"

// ConfirmPage asks before an action with consequences that cannot be undone, on a
// separate page: for bulk actions, and for browsers without script.
type ConfirmPage struct {
	Shell
	Section    string   // current entry of the sidebar
	Title      string   // "Delete 3 heartbeats?"
	Text       string   // the consequences
	Items      []string // names of the affected objects
	Action     string
	Fields     []ui.Option // hidden fields; Label is the name
	Label      string      // "Type delete to confirm"
	Typed      ui.Input
	Button     string
	Cancel     string // text of the link that cancels; empty: "Keep it"
	CancelPath string
}
