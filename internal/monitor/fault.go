package monitor

import (
	"fmt"

	"overdue/internal/schedule"
)

// FaultKind says which sort of mistake a Fault is.
type FaultKind int

// The kinds of fault, each with the answer that a face gives to it.
const (
	Invalid     FaultKind = iota // what was sent cannot be right
	NotFound                     // there is no such thing
	Forbidden                    // not for this person
	Conflict                     // it clashes with what is already there
	RateLimited                  // too much, too often
)

// Fault is a mistake of the person who asked, told in a sentence for that
// person. Any other error is ours.
type Fault struct {
	Kind    FaultKind
	Field   string // the member or flag at fault, empty when it is none
	Message string

	Suggestions []schedule.Suggestion // what to write instead, where that is known
}

// Error returns the sentence.
func (f *Fault) Error() string { return f.Message }

// Faults are several mistakes in one request, so that all can be mended at once.
type Faults []*Fault

// Error returns the first sentence.
func (f Faults) Error() string {
	if len(f) == 0 {
		return "nothing is wrong"
	}
	return f[0].Message
}

// Faultf returns a Fault of the given kind about one field.
func Faultf(kind FaultKind, field, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Field: field, Message: fmt.Sprintf(format, args...)}
}
