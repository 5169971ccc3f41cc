package notify

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

//go:embed letter.html
var letterHTML string

// letter is one e-mail to be written.
type letter struct {
	from  *mail.Address
	to    []string
	agent string
	news  News
	at    time.Time // of this attempt
}

// compose writes the letter as text and HTML alternatives.
//
// All messages of an incident form one thread: the first has an id that is made
// from the incident alone, and the others refer to it (RFC 5322, section
// 3.6.4), also where the first never arrived. The id of each of the others is
// made from its alert, so that mail servers can drop a second delivery.
func (l letter) compose() (*gomail.Msg, error) {
	m := l.news.Message()
	page, err := m.html()
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(l.from)
	if err := msg.To(l.to...); err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(l.at)
	l.thread(msg)
	msg.SetGenHeader("User-Agent", l.agent)
	msg.SetGenHeader("List-Id", l.listID())
	// RFC 3834: nobody's holiday note should answer an alert.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	msg.SetGenHeader("X-Overdue-Alert-Id", token(l.news.AlertID))
	msg.SetBodyString(gomail.TypeTextPlain, m.Text())
	msg.AddAlternativeString(gomail.TypeTextHTML, page)
	return msg, nil
}

// thread sets the ids that tie the messages of one incident together.
func (l letter) thread(msg *gomail.Msg) {
	first := "incident-" + token(l.news.ThreadID) + "-opened@" + l.host()
	if l.news.ThreadID != "" && l.news.Event == EventOpened {
		msg.SetMessageIDWithValue(first)
		return
	}
	msg.SetMessageIDWithValue("alert-" + token(l.news.AlertID) + "@" + l.host())
	if l.news.ThreadID != "" {
		msg.SetGenHeader(gomail.HeaderInReplyTo, "<"+first+">")
		msg.SetGenHeader(gomail.HeaderReferences, "<"+first+">")
	}
}

// host is the domain of the sender, the name space of the ids.
func (l letter) host() string {
	_, host, _ := strings.Cut(l.from.Address, "@")
	return token(host)
}

// listID names the stream of a project's alerts for filters (RFC 2919).
func (l letter) listID() string {
	label := strings.Trim(strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(token(short(l.news.Project)))), "-")
	if label == "" {
		label = "alerts"
	}
	return "<" + label + ".overdue." + l.host() + ">"
}

// Text returns the message as plain text.
func (m Message) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", m.Lead)
	if m.Description != "" {
		fmt.Fprintf(&b, "\n> %s\n", strings.ReplaceAll(m.Description, "\n", "\n> "))
	}
	width := 0
	for _, f := range m.Facts {
		width = max(width, len(f.Label))
	}
	b.WriteString("\n")
	for _, f := range m.Facts {
		fmt.Fprintf(&b, "%-*s  %s\n", width+1, f.Label+":", f.Value)
	}
	if m.Tail != "" {
		// Each line is marked as quoted, so that no output can pose as our own
		// words or links.
		fmt.Fprintf(&b, "\nLast output of the job:\n| %s\n", strings.ReplaceAll(m.Tail, "\n", "\n| "))
	}
	if len(m.Links) > 0 {
		b.WriteString("\n")
	}
	for _, l := range m.Links {
		fmt.Fprintf(&b, "%s: %s\n", l.Label, l.URL)
	}
	fmt.Fprintf(&b, "\n%s\n", m.Footer)
	return b.String()
}

// html returns the message as a page, everything escaped.
func (m Message) html() (string, error) {
	page, err := template.New("letter").Parse(letterHTML)
	if err != nil {
		return "", fmt.Errorf("letter template: %w", err)
	}
	var b strings.Builder
	if err := page.Execute(&b, m); err != nil {
		return "", fmt.Errorf("letter: %w", err)
	}
	return b.String(), nil
}

// Colour returns the tone as a colour on which white text is readable (at least
// 4.5 to 1), in a light and in a dark mail client alike.
func (m Message) Colour() template.CSS {
	switch m.Tone {
	case "down":
		return "#b3261e"
	case "late":
		return "#8a5a00"
	case "up":
		return "#1b6e3c"
	}
	return "#55586b"
}
