package notify

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"overdue/internal/safetext"
)

// emailKind writes to one or more people through the operator's mail server.
func emailKind() Kind {
	return Kind{
		Name: "email", Label: "Email", AttemptTimeout: EmailTimeout,
		Help: "Writes to one or more people.",
		Fields: []Field{{
			Name: "to", Label: "To", Type: FieldList, Required: true, Check: emailAddress,
			Placeholder: "ops@example.com",
			Help:        "Everybody named here sees the others. Messages of one incident form one thread.",
		}},
		Recipients: func(set Settings) []string { return set.list("to") },
		Send:       sendEmail,
	}
}

// sendEmail offers the message to the mail server once, for the recipients of this
// attempt. All recipients of the channel are in its header.
func sendEmail(ctx context.Context, out *Sender, set Settings, n Notification) (Receipt, error) {
	if out.relay == nil {
		return Receipt{}, &SendError{Reason: "No mail server is configured: start Overdue with --smtp-url.", Permanent: true}
	}
	to := set.list("to")
	msg, err := alertEmail{from: out.relay.from, to: to, agent: out.userAgent, news: n, at: time.Now()}.compose()
	if err != nil {
		return Receipt{}, &SendError{Reason: "The e-mail could not be written: " + out.relay.hide.answer(err.Error(), false), Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, out.relay.timeout)
	defer cancel()
	o, err := out.relay.send(ctx, n.recipientsOf(to), msg)
	if err != nil {
		return Receipt{}, err
	}
	return o.receipt()
}

// maxAddress is how long a mail address may be, in bytes (RFC 5321, 4.5.3.1.3).
const maxAddress = 254

// emailAddress accepts one bare mailbox. A name beside it has no place: the reader
// knows who they are.
func emailAddress(text string) (normal, problem string) {
	shown := shorten(oneLine(text), 80)
	if len(text) > maxAddress {
		return "", fmt.Sprintf("%s is longer than %d characters, the maximum of an email address: shorten it.", shown, maxAddress)
	}
	problem = shown + " is not an e-mail address: write it like name@example.com."
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Name != "" {
		return "", problem
	}
	local, domain, found := strings.Cut(parsed.Address, "@")
	// Quoted local parts are legal and in no one's use: they would only carry
	// surprises into headers and SMTP commands.
	_, unsafe := safetext.FirstUnsafe(parsed.Address)
	if !found || unsafe || local == "" || strings.Contains(domain, "@") ||
		strings.ContainsAny(parsed.Address, " \t\r\n\"\\<>(),;:[]") {
		return "", problem
	}
	return parsed.Address, ""
}
