package view

// HeldFormField is the hidden field with a form that waits, sealed by the server.
const HeldFormField = "held_form"

// WrongProjectPage answers a form of another project than the open one.
type WrongProjectPage struct {
	Shell
	FormProject string   // name of the form's project; empty when the person does not belong to it
	HeldForm    string   // the form, sealed; empty when it is too long
	TooLong     bool     // the form is too long to be carried
	Typed       []Option // what was typed, to be read and copied
}

// lede says why nothing was changed.
func (p WrongProjectPage) lede() string {
	if p.FormProject == "" {
		return "The form belongs to a project that you are not a member of, so nothing was changed."
	}
	return "The form belongs to “" + p.FormProject + "”, but this browser has opened “" + p.Project.Name + "” since. Nothing was changed."
}

// next returns what happens to the typed values.
func (p WrongProjectPage) next() string {
	switch {
	case p.FormProject == "":
		return ""
	case p.TooLong:
		return "What you typed is too long to keep: go back and copy it."
	}
	return "What you typed is kept. “Continue in " + p.FormProject + "” opens the form again. Nothing is saved until you submit it."
}

// RestoredFormNote is shown above a form that is shown again after it was held.
type RestoredFormNote struct {
	Typed       bool     // something was typed into it
	FormMissing bool     // the page no longer has the form
	Values      []Option // then: what was typed
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
