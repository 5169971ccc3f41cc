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
	// Text is one sentence without a full stop that ends in what to write instead.
	Text string
	// Suggestions are schedules to write instead: one, or several if the
	// expression has several meanings.
	Suggestions []Suggestion
}

// Error returns the sentence. The line is left to whoever shows it, because a
// form marks the line and a terminal names it.
func (p *Problem) Error() string { return p.Text }

// problem makes a sentence; whatever was typed goes through quote or short first.
func problem(format string, args ...any) *Problem {
	return &Problem{Text: fmt.Sprintf(format, args...)}
}

// onLine returns err with the line it is about, if it is a Problem.
func onLine(err error, line int) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.onLine(line)
	}
	return err
}

// onLine copies, because a Problem in hands of others must not change.
func (p *Problem) onLine(line int) *Problem {
	return &Problem{Line: line, Text: p.Text, Suggestions: p.Suggestions}
}

// mostQuoted bounds how much of what was typed is said back, in characters.
const mostQuoted = 40

// quote returns what was typed, fit for a sentence.
func quote(s string) string { return "“" + short(s) + "”" }

// short is quote without the marks. What cannot be seen is made visible, so
// that a stray control character does not end up on a page or in a terminal.
func short(s string) string { return shortTo(s, mostQuoted) }

// mostAdvised bounds an expression that is to be copied, in characters.
const mostAdvised = 120

// shortTo is short with another bound.
func shortTo(s string, most int) string {
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
