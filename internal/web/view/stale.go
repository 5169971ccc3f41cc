package view

import "time"

// EditConflictPage answers a form that edits an outdated version: it shows what differs and
// asks which values to save.
type EditConflictPage struct {
	Shell
	Title      string // of what is edited
	Action     string // where the form goes
	CancelPath string // where nothing is saved
	ChangedBy  string // who changed it last; empty when that is not known
	ChangedAt  time.Time
	Conflicts  []FieldConflict
	Fields     []Option // hidden fields; Label is the name
}

// FieldConflict is one field that was changed.
type FieldConflict struct {
	Field, Label               string
	Original, Saved, Submitted string
	Result                     string // what is saved, when there is nothing to choose
	Choose                     bool   // both changed it
}

// hasChoice tells whether there is anything to choose.
func (p EditConflictPage) hasChoice() bool {
	for _, l := range p.Conflicts {
		if l.Choose {
			return true
		}
	}
	return false
}

// instruction says what to do.
func (p EditConflictPage) instruction() string {
	if p.hasChoice() {
		return "Choose a value for each field that both of you changed. Changes that only one of you made are kept."
	}
	return "You changed different fields, so both changes are kept."
}

// choiceName is the name of the field that says whose value is saved.
func (l FieldConflict) choiceName() string { return "take." + l.Field }

// valueOrDash writes an empty value as a dash.
func valueOrDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
