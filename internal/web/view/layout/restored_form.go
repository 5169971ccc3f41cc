package layout

import "overdue/internal/web/view/ui"

// RestoredFormNote is shown above a form that is shown again after it was held.
type RestoredFormNote struct {
	Typed       bool        // something was typed into it
	FormMissing bool        // the page no longer has the form
	Values      []ui.Option // then: what was typed
}

// title returns the result in one sentence.
func (n RestoredFormNote) title() string {
	switch {
	case n.FormMissing && len(n.Values) > 0:
		return "Not saved: this page no longer has the form."
	case n.Typed:
		return "What you typed is back in the form. It is not saved yet."
	}
	return "Nothing was changed. Press the button again."
}
