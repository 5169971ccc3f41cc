package schedule

import (
	"errors"
	"fmt"
)

// Problem is what is wrong with an expression, told to the person who typed it.
type Problem struct {
	// Line is the place of the offending line, counted from 1; 0 when the
	// problem is not about one line of several.
	Line int
	// Text is one sentence without a full stop that ends in what to write instead.
	Text string
}

// Error returns the sentence. The line is left to whoever shows it, because a
// form marks the line and a terminal names it.
func (p *Problem) Error() string { return p.Text }

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

func (p *Problem) onLine(line int) *Problem {
	return &Problem{Line: line, Text: p.Text}
}

// mostQuoted bounds how much of what was typed is said back.
const mostQuoted = 40

// quote returns what was typed, short enough for a sentence.
func quote(s string) string {
	if r := []rune(s); len(r) > mostQuoted {
		s = string(r[:mostQuoted]) + "…"
	}
	return fmt.Sprintf("“%s”", s)
}
