package layout

import "overdue/internal/web/view/ui"

// WrongProjectPage is the answer to a form of a project that is no longer open.
type WrongProjectPage struct {
	Shell
	FormProject string      // project of the form; empty if the person is not a member
	HeldForm    string      // the form, encrypted; empty if it is too long
	TooLong     bool        // the form is too long to keep
	Typed       []ui.Option // the typed values, for the reader to copy
}

// reason returns the sentences that say why nothing was changed.
func (p WrongProjectPage) reason() string {
	if p.FormProject == "" {
		return "You are not a member of the project of this form. Nothing was changed."
	}
	return "The form belongs to “" + p.FormProject + "”, but this browser has since opened “" + p.Project.Name + "”. Nothing was changed."
}

// typedValuesText describes what happens to the typed values.
func (p WrongProjectPage) typedValuesText() string {
	switch {
	case p.FormProject == "":
		return ""
	case p.TooLong:
		return "Your text is too long to keep. Go back and copy it."
	}
	return "Your values are kept. “Continue in " + p.FormProject + "” opens the form again. Nothing is saved until you submit it."
}
