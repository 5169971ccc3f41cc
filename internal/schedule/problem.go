package schedule

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Problem is an error in an expression, for the user who wrote it.
type Problem struct {
	// Line is the number of the invalid line, from 1; 0 if the problem is not about one line.
	Line int
	// Message is one sentence without a full stop that ends with a valid alternative.
	Message string
	// Suggestions are valid schedules to use instead: one, or several if the expression has several
	// meanings.
	Suggestions []Suggestion
}

// Error returns the message. The caller shows the line number: a form marks the line, a terminal
// prints it.
func (p *Problem) Error() string { return p.Message }

// problemf formats a problem. User input must go through quote or excerpt first.
func problemf(format string, args ...any) *Problem {
	return &Problem{Message: fmt.Sprintf(format, args...)}
}

// withLine returns err with its line number, if it is a Problem.
func withLine(err error, line int) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.withLine(line)
	}
	return err
}

// withLine returns a copy, because the original can be shared.
func (p *Problem) withLine(line int) *Problem {
	return &Problem{Line: line, Message: p.Message, Suggestions: p.Suggestions}
}

// maxQuotedLength limits quoted input, in characters.
const maxQuotedLength = 40

// quote returns user input in quotation marks, safe for a message.
func quote(s string) string { return "“" + excerpt(s) + "”" }

// excerpt is quote without the quotation marks. It replaces invisible characters, so that no
// control character reaches a page or a terminal.
func excerpt(s string) string { return excerptUpTo(s, maxQuotedLength) }

// maxSuggestionLength limits an expression that the user can copy, in characters.
const maxSuggestionLength = 120

// excerptUpTo is excerpt with another limit.
func excerptUpTo(s string, most int) string {
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
