package layout

import (
	"time"

	"overdue/internal/web/view/ui"
)

// EditConflictPage is the answer to a form that edits an outdated version. It shows
// the differences and asks which values to save.
type EditConflictPage struct {
	Shell
	Title      string // name of the edited object
	Action     string // path that the form is sent to
	CancelPath string // path of the page without the changes
	ChangedBy  string // the person who saved last; empty if not known
	ChangedAt  time.Time
	Conflicts  []FieldConflict
	Fields     []ui.Option // hidden fields; Label is the name
}

// FieldConflict is one field that differs.
type FieldConflict struct {
	Field, Label               string
	Original, Saved, Submitted string
	Result                     string // what will be saved, if there is no choice
	Choose                     bool   // both persons changed the field
}

// hasChoice reports whether the reader must choose a value.
func (p EditConflictPage) hasChoice() bool {
	for _, l := range p.Conflicts {
		if l.Choose {
			return true
		}
	}
	return false
}

// instruction returns the sentence that says what to do.
func (p EditConflictPage) instruction() string {
	if p.hasChoice() {
		return "Choose a value for each field that both of you changed. Changes that only one of you made are kept."
	}
	return "You changed different fields, so both changes are kept."
}

// choiceName returns the name of the form field with the choice.
func (l FieldConflict) choiceName() string { return "take." + l.Field }

// valueOrDash returns the text, or a dash if it is empty.
func valueOrDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
