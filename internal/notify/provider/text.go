package provider

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"overdue/internal/notify/message"
)

// markup is the markup of a service. Its functions get clean texts of jobs and people, and return text that the
// service shows as it is.
type markup struct {
	escape func(text string) string       // a text in a line
	strong func(escaped string) string    // emphasized
	link   func(label, url string) string // label is not escaped
	output func(text string) string       // the output of a job, with its line breaks
}

// plain is the markup of services that show text as it is.
func plain() markup {
	return markup{
		escape: func(text string) string { return text },
		strong: func(text string) string { return text },
		link:   func(label, url string) string { return label + ": " + url },
		output: func(text string) string { return text },
	}
}

// htmlMarkup is HTML with the elements that chats accept.
func htmlMarkup(lineBreak string) markup {
	escape := func(text string) string { return strings.ReplaceAll(html.EscapeString(text), "\n", lineBreak) }
	return markup{
		escape: escape,
		strong: func(text string) string { return "<b>" + text + "</b>" },
		link: func(label, url string) string {
			return `<a href="` + html.EscapeString(url) + `">` + html.EscapeString(label) + "</a>"
		},
		output: func(text string) string { return "<pre>" + html.EscapeString(text) + "</pre>" },
	}
}

// layout says which parts of a message a text has.
type layout struct {
	markup
	limit   int                   // of size
	size    func(text string) int // nil: characters
	newline string                // default: \n
	noTitle bool                  // the subject has its own member
	noLinks bool                  // the links have their own members
}

// partLimit are the maximum sizes of the parts of a message.
type partLimit struct{ output, description, facts int }

// partLimits are sizes to try for a message that does not fit: first the output is cut, then the description.
var partLimits = []partLimit{
	{2 << 10, 5000, 99}, {1000, 5000, 99}, {1000, 1000, 99}, {400, 400, 99}, {150, 150, 99}, {0, 150, 99}, {0, 0, 99}, {0, 0, 3}, {0, 0, 0},
}

// text returns a message as one text that fits into the limit.
func (l layout) text(m message.Message) string {
	if l.size == nil {
		l.size = utf8.RuneCountInString
	}
	if l.newline == "" {
		l.newline = "\n"
	}
	for _, parts := range partLimits {
		if text := l.join(parts.cut(m)); l.size(text) <= l.limit {
			return text
		}
	}
	return l.cutLead(m)
}

// cut returns a message with parts of at most these sizes.
func (p partLimit) cut(m message.Message) message.Message {
	m.Output, m.Description = tail(m.Output, p.output), message.Shorten(m.Description, max(p.description, 1))
	if p.description == 0 {
		m.Description = ""
	}
	m.Facts = m.Facts[:min(len(m.Facts), p.facts)]
	return m
}

// cutLead returns the lead and the links, with a lead that is cut until the text fits. Text is cut before it is
// escaped, so no tag or entity is broken.
func (l layout) cutLead(m message.Message) string {
	short := message.Message{Subject: m.Subject, Lead: m.Lead, Links: m.Links}
	for n := utf8.RuneCountInString(m.Lead); n > 1; n = n * 3 / 4 {
		short.Lead = message.Shorten(m.Lead, n)
		if text := l.join(short); l.size(text) <= l.limit {
			return text
		}
	}
	return fit(l.escape(m.Subject), l.limit, l.size)
}

// join joins the parts of a message.
func (l layout) join(m message.Message) string {
	var parts []string
	if !l.noTitle {
		parts = append(parts, l.strong(l.escape(m.Subject)))
	}
	parts = append(parts, l.escape(m.Lead))
	if m.Description != "" {
		parts = append(parts, l.escape(m.Description))
	}
	if facts := l.facts(m.Facts); facts != "" {
		parts = append(parts, facts)
	}
	if m.Output != "" {
		parts = append(parts, l.escape("Last output of the job:")+l.newline+l.output(m.Output))
	}
	if len(m.Links) > 0 && !l.noLinks {
		var links []string
		for _, k := range m.Links {
			links = append(links, l.link(k.Label, k.URL))
		}
		parts = append(parts, strings.Join(links, l.newline))
	}
	return strings.Join(parts, l.newline+l.newline)
}

// facts returns the facts, one per line.
func (l layout) facts(all []message.Fact) string {
	var lines []string
	for _, f := range all {
		lines = append(lines, l.strong(l.escape(f.Label+":"))+" "+l.escape(f.Value))
	}
	return strings.Join(lines, l.newline)
}

// tail returns the end of a text, at most n characters.
func tail(text string, n int) string {
	if n <= 0 {
		return ""
	}
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return "…" + string(runes[len(runes)-n+1:])
}

// fit cuts a text without markup until it has the size, and ends it with an ellipsis.
func fit(text string, limit int, size func(string) int) string {
	if size(text) <= limit {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && size(string(runes)+"…") > limit {
		runes = runes[:len(runes)-max(1, len(runes)/50)]
	}
	return string(runes) + "…"
}

// newJSON returns a POST with a JSON body.
func newJSON(url string, body any) (Request, error) {
	data, err := marshal(body)
	if err != nil {
		return Request{}, err
	}
	return Request{URL: url, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: data}, nil
}

// marshal encodes a value as JSON without escapes for HTML, which some services show.
func marshal(value any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}
