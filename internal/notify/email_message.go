package notify

import (
	"embed"
	"fmt"
	"html/template"
	"net/mail"
	"slices"
	"strings"
	"time"

	"overdue/internal/notify/message"

	gomail "github.com/wneessen/go-mail"
)

//go:embed head.html letter.html mail.html
var mailPages embed.FS

// mailTemplates render the HTML parts of emails.
var mailTemplates = template.Must(template.ParseFS(mailPages, "*.html"))

// alertEmail is the email of one alert.
type alertEmail struct {
	from  *mail.Address
	to    []string
	agent string
	news  message.Notification
	at    time.Time // of this attempt
}

// compose creates the email as text and HTML alternatives, and a reduced text
// without the output of the job for servers that reject the full email.
func (l alertEmail) compose() (*emailVariants, error) {
	m := l.news.Message()
	page, err := emailHTML(m)
	if err != nil {
		return nil, err
	}
	full, err := l.envelope(m)
	if err != nil {
		return nil, err
	}
	full.SetBodyString(gomail.TypeTextPlain, emailText{m}.Text())
	full.AddAlternativeString(gomail.TypeTextHTML, page)
	small, err := l.envelope(m)
	if err != nil {
		return nil, err
	}
	small.SetBodyString(gomail.TypeTextPlain, emailText{withoutOutput(m)}.Text())
	return &emailVariants{full: full, reduced: small}, nil
}

// envelope returns a message with its header and no body.
func (l alertEmail) envelope(m message.Message) (*gomail.Msg, error) {
	msg, err := newEmail(l.from, l.to, l.agent, l.at)
	if err != nil {
		return nil, err
	}
	n := l.news
	setSubject(msg, m.Subject)
	l.thread(msg)
	msg.SetGenHeader("List-Id", l.listID())
	if n.ChannelURL != "" {
		// A page instead of one-click unsubscription (RFC 8058), which would silence a
		// whole team.
		msg.SetGenHeader("List-Unsubscribe", "<"+message.OneLine(n.ChannelURL)+">")
	}
	// For the rules of mail clients.
	msg.SetGenHeader("X-Overdue-Alert-Id", message.HeaderToken(n.AlertID))
	msg.SetGenHeader("X-Overdue-Event", message.HeaderToken(n.Event))
	if n.ProjectSlug != "" {
		msg.SetGenHeader("X-Overdue-Project", message.HeaderToken(n.ProjectSlug))
	}
	if h := n.Notice.Heartbeat; h != nil {
		msg.SetGenHeader("X-Overdue-Heartbeat", message.HeaderToken(h.Slug))
	}
	return msg, nil
}

// newEmail returns a message with the header fields that every email has.
func newEmail(from *mail.Address, to []string, agent string, at time.Time) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	var recipients []string
	for _, address := range to {
		recipients = append(recipients, asciiDomain(address))
	}
	if err := msg.To(recipients...); err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	msg.SetDateWithValue(at)
	msg.SetGenHeader("User-Agent", agent)
	// RFC 3834: suppresses vacation notices.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	return msg, nil
}

// setSubject sets the subject. Mail programs decode "=?utf-8?q?…?=" (RFC 2047) also
// if it is part of a name, so that a name could show another text. An invisible word
// joiner after the "=" prevents that.
func setSubject(msg *gomail.Msg, subject string) {
	msg.Subject(strings.ReplaceAll(subject, "=?", "=\u2060?"))
}

// thread sets the ids that make the messages about one incident a thread.
//
// The id of the first message is derived from the incident alone. The others refer
// to it (RFC 5322, section 3.6.4), even if it was never delivered. The message that
// a heartbeat is late precedes the incident: its id is derived from the heartbeat
// and the due time, which the opening message knows too. The ids of the others are
// derived from their alerts, so mail servers can drop duplicates.
func (l alertEmail) thread(msg *gomail.Msg) {
	n, late := l.news, l.lateID()
	if n.Event == message.EventLate && late != "" {
		msg.SetMessageIDWithValue(late)
		return
	}
	if n.ThreadID == "" {
		msg.SetMessageIDWithValue("alert-" + message.HeaderToken(n.AlertID) + "@" + l.host())
		return
	}
	opened := "incident-" + message.HeaderToken(n.ThreadID) + "-opened@" + l.host()
	parent, id := opened, "alert-"+message.HeaderToken(n.AlertID)+"@"+l.host()
	if n.Event == message.EventOpened {
		parent, id = late, opened
	}
	msg.SetMessageIDWithValue(id)
	var references []string
	for _, ancestor := range []string{late, parent} {
		if reference := "<" + ancestor + ">"; ancestor != "" && !slices.Contains(references, reference) {
			references = append(references, reference)
		}
	}
	if len(references) > 0 {
		msg.SetGenHeader(gomail.HeaderInReplyTo, "<"+parent+">")
		msg.SetGenHeader(gomail.HeaderReferences, strings.Join(references, " "))
	}
}

// lateID returns the id of the message that the heartbeat is late, or "" if there is
// none.
func (l alertEmail) lateID() string {
	n := l.news
	missed := n.Event == message.EventLate || n.Cause == "missed"
	if h := n.Notice.Heartbeat; h != nil && missed && !n.Due.IsZero() {
		return fmt.Sprintf("late-%s-%d@%s", message.HeaderToken(h.Ref), n.Due.Unix(), l.host())
	}
	return ""
}

// host returns the domain of the sender, the namespace of the ids.
func (l alertEmail) host() string {
	_, host, _ := strings.Cut(l.from.Address, "@")
	return message.HeaderToken(host)
}

// listID returns the List-Id of the alerts of a project, for filters (RFC 2919).
func (l alertEmail) listID() string {
	label := strings.Trim(strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(message.HeaderToken(message.CleanLine(l.news.Project)))), "-")
	if label == "" {
		label = "alerts"
	}
	return "<" + label + ".overdue." + l.host() + ">"
}

// emailHTML renders a message as HTML.
func emailHTML(m message.Message) (string, error) {
	return renderMail("letter.html", htmlEmail{emailText{m}})
}

// renderMail returns an HTML part.
func renderMail(name string, data any) (string, error) {
	var b strings.Builder
	if err := mailTemplates.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("email template: %w", err)
	}
	return b.String(), nil
}

// Colour returns the color of the tone. The contrast to white text is at least
// 4.5 to 1, in light and dark mail clients.
func (h htmlEmail) Colour() template.CSS {
	switch h.Tone {
	case "down":
		return "#b3261e"
	case "late":
		return "#8a5a00"
	case "up":
		return "#1b6e3c"
	}
	return "#55586b"
}
