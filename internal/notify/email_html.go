package notify

import (
	"regexp"
	"strings"

	"overdue/internal/notify/message"
)

// htmlEmail is a message with the methods that the template uses.
type htmlEmail struct{ emailText }

// textPart is a part of a line: a link if it has a URL.
type textPart struct{ Text, URL string }

// webLink matches links. Other schemes are not linked, because users write the text.
var webLink = regexp.MustCompile(`https?://[^\s<>"]+`)

// Details returns the rows of the table.
func (h htmlEmail) Details() []message.Fact { return h.emailFacts() }

// HeadingOutput and HeadingDescription are the headings of those parts.
func (h htmlEmail) HeadingOutput() string      { return headingOutput }
func (h htmlEmail) HeadingDescription() string { return headingDescription }

// DescriptionLines returns the description in lines, with its links.
func (h htmlEmail) DescriptionLines() [][]textPart { return splitLinkLines(h.Description) }

// splitLinkLines returns the lines of a text, each with its links.
func splitLinkLines(text string) [][]textPart {
	var out [][]textPart
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, splitLinks(line))
	}
	return out
}

// splitLinks splits a line into text and links. Punctuation after a link is text, and so
// is an unmatched closing bracket.
func splitLinks(line string) []textPart {
	var out []textPart
	at := 0
	for _, span := range webLink.FindAllStringIndex(line, -1) {
		url := strings.TrimRight(line[span[0]:span[1]], ".,;:!?'*_")
		if strings.HasSuffix(url, ")") && !strings.Contains(url, "(") {
			url = strings.TrimRight(url, ").,;:!?'")
		}
		if span[0] > at {
			out = append(out, textPart{Text: line[at:span[0]]})
		}
		out = append(out, textPart{Text: url, URL: url})
		at = span[0] + len(url)
	}
	if at < len(line) {
		out = append(out, textPart{Text: line[at:]})
	}
	return out
}
