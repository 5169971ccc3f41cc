package view

// HeldField is the hidden field with a form that waits, sealed by the server.
const HeldField = "held_form"

// ElsewherePage answers a form of another project than the open one.
type ElsewherePage struct {
	Shell
	There   string   // name of the form's project; empty when the person does not belong to it
	Draft   string   // the form, sealed; empty when it is too long
	TooLong bool     // the form is too long to be carried
	Typed   []Choice // what was typed, to be read and copied
}

// lede says why nothing was changed.
func (p ElsewherePage) lede() string {
	if p.There == "" {
		return "The form belongs to a project that you are not a member of, so nothing was changed."
	}
	return "The form belongs to “" + p.There + "”, but this browser has opened “" + p.Project.Name + "” since. Nothing was changed."
}

// next returns what happens to the typed values.
func (p ElsewherePage) next() string {
	switch {
	case p.There == "":
		return ""
	case p.TooLong:
		return "What you typed is too long to keep: go back and copy it."
	}
	return "What you typed is kept. “Continue in " + p.There + "” opens the form again. Nothing is saved until you submit it."
}

// ReturnedNote is shown above a form that is shown again after it was held.
type ReturnedNote struct {
	Typed  bool     // something was typed into it
	Gone   bool     // the page no longer has the form
	Values []Choice // then: what was typed
}

// title returns the result in one sentence.
func (n ReturnedNote) title() string {
	switch {
	case n.Gone && len(n.Values) > 0:
		return "Not saved: this page no longer has the form."
	case n.Typed:
		return "What you typed is back in the form. It is not saved yet."
	}
	return "Nothing was changed. Press the button again."
}
