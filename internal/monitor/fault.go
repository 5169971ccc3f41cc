package monitor

import (
	"fmt"

	"overdue/internal/schedule"
)

// FaultKind says which sort of mistake a Fault is.
type FaultKind int

// The kinds of fault, each with the answer that a face gives to it.
const (
	Invalid   FaultKind = iota // what was sent cannot be right
	Missing                    // there is no such thing
	Forbidden                  // not for this person
	Conflict                   // it clashes with what is already there
	Limited                    // too much, too often
)

// Fault is a mistake of the person who asked, told in a sentence for that
// person. Any other error is ours.
type Fault struct {
	Kind  FaultKind
	Field string // the member or flag at fault, empty when it is none
	Text  string

	Suggestions []schedule.Suggestion // what to write instead, where that is known
}

// Error returns the sentence.
func (f *Fault) Error() string { return f.Text }

// Faults are several mistakes in one request, so that all can be mended at once.
type Faults []*Fault

// Error returns the first sentence.
func (f Faults) Error() string {
	if len(f) == 0 {
		return "nothing is wrong"
	}
	return f[0].Text
}

// Wrong returns a Fault of the given kind about one field.
func Wrong(kind FaultKind, field, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Field: field, Text: fmt.Sprintf(format, args...)}
}
