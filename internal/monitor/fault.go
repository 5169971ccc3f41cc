package monitor

import (
	"fmt"

	"overdue/internal/schedule"
)

// FaultKind classifies a Fault.
type FaultKind int

// The kinds of faults. API and UI map each to a status code.
const (
	Invalid     FaultKind = iota // the request has an invalid value
	NotFound                     // the object does not exist
	Forbidden                    // the actor does not have the permission
	Conflict                     // it conflicts with the current state
	RateLimited                  // a limit or a rate is exceeded
)

// Fault is a mistake of the caller, as a sentence for that person. Any other error is a fault of
// the server.
type Fault struct {
	Kind    FaultKind
	Field   string // name of the field or flag, "" if it is not about one
	Message string

	Suggestions []schedule.Suggestion // what to write instead, if known
}

// Error returns the sentence.
func (f *Fault) Error() string { return f.Message }

// Faults are several mistakes in one request, so that the caller can correct all of them at once.
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
