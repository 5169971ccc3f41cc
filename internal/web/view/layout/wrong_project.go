package layout

import "overdue/internal/web/view/ui"

// WrongProjectPage answers a form of another project than the open one.
type WrongProjectPage struct {
	Shell
	FormProject string      // name of the form's project; empty when the person does not belong to it
	HeldForm    string      // the form, sealed; empty when it is too long
	TooLong     bool        // the form is too long to be carried
	Typed       []ui.Option // what was typed, to be read and copied
}

// reason says why nothing was changed.
func (p WrongProjectPage) reason() string {
	if p.FormProject == "" {
		return "The form belongs to a project that you are not a member of, so nothing was changed."
	}
	return "The form belongs to “" + p.FormProject + "”, but this browser has opened “" + p.Project.Name + "” since. Nothing was changed."
}

// typedValuesText returns what happens to the typed values.
func (p WrongProjectPage) typedValuesText() string {
	switch {
	case p.FormProject == "":
		return ""
	case p.TooLong:
		return "What you typed is too long to keep: go back and copy it."
	}
	return "What you typed is kept. “Continue in " + p.FormProject + "” opens the form again. Nothing is saved until you submit it."
}
