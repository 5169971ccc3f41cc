package schedule

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Problem is what is wrong with an expression, told to the person who typed it.
type Problem struct {
	// Line is the place of the offending line, counted from 1; 0 when the
	// problem is not about one line of several.
	Line int
	// Message is one sentence without a full stop that ends in what to write instead.
	Message string
	// Suggestions are schedules to write instead: one, or several if the
	// expression has several meanings.
	Suggestions []Suggestion
}

// Error returns the sentence. The line is left to whoever shows it, because a
// form marks the line and a terminal names it.
func (p *Problem) Error() string { return p.Message }

// problemf makes a sentence; whatever was typed goes through quote or short first.
func problemf(format string, args ...any) *Problem {
	return &Problem{Message: fmt.Sprintf(format, args...)}
}

// withLine returns err with the line it is about, if it is a Problem.
func withLine(err error, line int) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.withLine(line)
	}
	return err
}

// withLine copies, because a Problem in hands of others must not change.
func (p *Problem) withLine(line int) *Problem {
	return &Problem{Line: line, Message: p.Message, Suggestions: p.Suggestions}
}

// maxQuotedLength bounds how much of what was typed is said back, in characters.
const maxQuotedLength = 40

// quote returns what was typed, fit for a sentence.
func quote(s string) string { return "“" + excerpt(s) + "”" }

// excerpt is quote without the marks. What cannot be seen is made visible, so
// that a stray control character does not end up on a page or in a terminal.
func excerpt(s string) string { return excerptUpTo(s, maxQuotedLength) }

// maxSuggestionLength bounds an expression that is to be copied, in characters.
const maxSuggestionLength = 120

// excerptUpTo is short with another bound.
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
