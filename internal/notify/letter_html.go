package notify

import (
	"regexp"
	"strings"
)

// htmlLetter is a message as the template shows it.
type htmlLetter struct{ Message }

// piece is a part of a line: a link if it has a URL.
type piece struct{ Text, URL string }

// webLink matches what becomes a link: no other schemes, because users write the text.
var webLink = regexp.MustCompile(`https?://[^\s<>"]+`)

// Details are the rows of the table.
func (h htmlLetter) Details() []Fact { return h.details() }

// HeadingOutput and HeadingDescription are the headings of those parts.
func (h htmlLetter) HeadingOutput() string      { return headingOutput }
func (h htmlLetter) HeadingDescription() string { return headingDescription }

// DescriptionLines returns the description in lines, with its links.
func (h htmlLetter) DescriptionLines() [][]piece { return linkedLines(h.Description) }

// linkedLines returns the lines of a text, each with its links.
func linkedLines(text string) [][]piece {
	var out [][]piece
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		out = append(out, linked(line))
	}
	return out
}

// linked splits a line into text and links. Punctuation after a link is text, and so
// is a closing bracket that the link does not open.
func linked(line string) []piece {
	var out []piece
	at := 0
	for _, span := range webLink.FindAllStringIndex(line, -1) {
		url := strings.TrimRight(line[span[0]:span[1]], ".,;:!?'*_")
		if strings.HasSuffix(url, ")") && !strings.Contains(url, "(") {
			url = strings.TrimRight(url, ").,;:!?'")
		}
		if span[0] > at {
			out = append(out, piece{Text: line[at:span[0]]})
		}
		out = append(out, piece{Text: url, URL: url})
		at = span[0] + len(url)
	}
	if at < len(line) {
		out = append(out, piece{Text: line[at:]})
	}
	return out
}
