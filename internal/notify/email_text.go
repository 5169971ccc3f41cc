package notify

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"overdue/internal/notify/message"
)

// textWidth is the length of a line of text, in characters, except for links and
// output (RFC 5322, section 2.1.1, recommends at most 78).
const textWidth = 72

// headingOutput and headingDescription are the headings of those parts.
const (
	headingOutput      = "Last output of the job"
	headingDescription = "Description"
)

// emailText is a message with the methods of the plain text.
type emailText struct{ message.Message }

// Text returns the message as plain text: lead, links, description, facts,
// output.
func (m emailText) Text() string {
	var b strings.Builder
	b.WriteString(wrap(m.Lead, 0))
	for i, l := range m.Links {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s: %s\n", l.Label, l.URL)
	}
	if m.Description != "" {
		fmt.Fprintf(&b, "\n%s:\n%s", headingDescription, prefixLines("  ", wrapLines(m.Description, 2)))
	}
	m.writeFacts(&b)
	if m.Output != "" {
		// Each line is marked as a quotation, so output cannot be mistaken for
		// text of Overdue.
		fmt.Fprintf(&b, "\n%s:\n%s", headingOutput, prefixLines("| ", m.Output+"\n"))
	}
	fmt.Fprintf(&b, "\n%s", wrap(m.Footer, 0))
	return b.String()
}

// writeFacts writes the facts as a table. Long values wrap in their column.
func (m emailText) writeFacts(b *strings.Builder) {
	facts := m.emailFacts()
	width := 0
	for _, f := range facts {
		width = max(width, utf8.RuneCountInString(f.Label))
	}
	if len(facts) > 0 {
		b.WriteString("\n")
	}
	for _, f := range facts {
		fmt.Fprintf(b, "%-*s  %s", width+1, f.Label+":", wrap(f.Value, width+3))
	}
}

// emailFacts returns the facts that are not elsewhere in the email: the heartbeat is
// in the subject, the project in the footer, the incident in the link.
func (m emailText) emailFacts() []message.Fact {
	return slices.DeleteFunc(slices.Clone(m.Facts), func(f message.Fact) bool {
		switch f.Label {
		case "Heartbeat", "Project", "Incident":
			return true
		case "Down for": // of an opening: the delay of the detection
			return m.Status == "Down" && (f.Value == message.FormatDuration(0) || !strings.ContainsAny(f.Value, "mhd"))
		}
		return false
	})
}

// withoutOutput returns a message without the output of the job, and with a note.
func withoutOutput(m message.Message) message.Message {
	if m.Output != "" {
		m.Output = ""
		m.Footer = "The output of the job was removed, because the mail server rejected the email with it. " + m.Footer
	}
	return m
}

// wrap wraps text at textWidth characters. All lines except the first are indented;
// the first is shorter by the same amount. Longer words, such as links, are not
// split.
func wrap(text string, indent int) string {
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+length > textWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += length
	}
	return b.String() + "\n"
}

// wrapLines wraps each line that is too long, with room for an indent. Other lines
// keep their spaces, because a description may contain commands.
func wrapLines(text string, indent int) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(line) <= textWidth-indent {
			b.WriteString(line + "\n")
			continue
		}
		b.WriteString(wrap(line, indent))
	}
	return b.String()
}

// prefixLines adds a prefix to every line of text, which ends with a line break.
func prefixLines(mark, text string) string {
	return mark + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+mark) + "\n"
}
