package view

import "time"

// StalePage answers a form that edits an outdated version: it shows what differs and
// asks which values to save.
type StalePage struct {
	Shell
	Title  string // of what is edited
	Action string // where the form goes
	Back   string // where nothing is saved
	By     string // who changed it last; empty when that is not known
	At     time.Time
	Lines  []StaleLine
	Fields []Choice // hidden fields; Label is the name
}

// StaleLine is one field that was changed.
type StaleLine struct {
	Field, Label       string
	Was, Theirs, Yours string
	Result             string // what is saved, when there is nothing to choose
	Choose             bool   // both changed it
}

// asks tells whether there is anything to choose.
func (p StalePage) asks() bool {
	for _, l := range p.Lines {
		if l.Choose {
			return true
		}
	}
	return false
}

// next says what to do.
func (p StalePage) next() string {
	if p.asks() {
		return "Choose a value for each field that both of you changed. Changes that only one of you made are kept."
	}
	return "You changed different fields, so both changes are kept."
}

// taken is the name of the field that says whose value is saved.
func (l StaleLine) taken() string { return "take." + l.Field }

// orNone writes an empty value as a dash.
func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
