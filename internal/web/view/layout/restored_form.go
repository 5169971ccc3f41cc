package layout

import "overdue/internal/web/view/ui"

// RestoredFormNote is the note above a form that was kept and is shown again.
type RestoredFormNote struct {
	Typed       bool        // the form has values that the person typed
	FormMissing bool        // the page no longer has this form
	Values      []ui.Option // the typed values, if the form is missing
}

// title returns the result in one or two sentences.
func (n RestoredFormNote) title() string {
	switch {
	case n.FormMissing && len(n.Values) > 0:
		return "Not saved: this page no longer has the form."
	case n.Typed:
		return "Your values are back in the form. They are not saved yet."
	}
	return "Nothing was changed. Press the button again."
}
