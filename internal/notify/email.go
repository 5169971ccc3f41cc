package notify

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/provider"
	"overdue/internal/notify/setting"
	"overdue/internal/safetext"
)

// emailKind sends emails through the mail server of the operator.
func emailKind() Kind {
	return Kind{
		Name: "email", Label: "Email", Group: provider.GroupEmail, Can: provider.Abilities{Thread: true, Tested: provider.TestedReal}, AttemptTimeout: EmailTimeout,
		Help: "Sends an email to one or more people.",
		Fields: []setting.Field{{
			Name: "to", Label: "To", Type: setting.FieldList, Required: true, Check: emailAddress,
			Placeholder: "ops@example.com",
			Help:        "Recipients see each other's addresses. Messages about one incident form one thread.",
		}},
		Recipients: func(set setting.Values) []string { return set.List("to") },
		Send:       sendEmail,
	}
}

// sendEmail makes one attempt to send the message to the recipients of this
// attempt. Its header lists all recipients of the channel.
func sendEmail(ctx context.Context, out *Sender, set setting.Values, n message.Notification) (Receipt, error) {
	if out.relay == nil {
		return Receipt{}, &SendError{Reason: "No mail server is configured: set --smtp-url.", Permanent: true}
	}
	to := set.List("to")
	msg, err := alertEmail{from: out.relay.from, to: to, agent: out.userAgent, news: n, at: time.Now()}.compose()
	if err != nil {
		return Receipt{}, &SendError{Reason: "The email could not be created: " + out.relay.hide.cleanResponse(err.Error(), false), Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, out.relay.timeout)
	defer cancel()
	o, err := out.relay.send(ctx, recipientsOf(n, to), msg)
	if err != nil {
		return Receipt{}, err
	}
	return o.receipt()
}

// maxAddress is the maximum length of an email address in bytes (RFC 5321, section
// 4.5.3.1.3).
const maxAddress = 254

// emailAddress accepts a single address without a display name.
func emailAddress(text string) (normal, problem string) {
	shown := message.Shorten(message.OneLine(text), 80)
	if len(text) > maxAddress {
		return "", fmt.Sprintf("%s is longer than %d characters, the maximum of an email address: shorten it.", shown, maxAddress)
	}
	problem = shown + " is not an email address: enter it like name@example.com."
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Name != "" {
		return "", problem
	}
	local, domain, found := strings.Cut(parsed.Address, "@")
	// Quoted local parts are legal, but not used in practice. They would only
	// be a risk in headers and SMTP commands.
	_, unsafe := safetext.FirstUnsafe(parsed.Address)
	if !found || unsafe || local == "" || strings.Contains(domain, "@") ||
		strings.ContainsAny(parsed.Address, " \t\r\n\"\\<>(),;:[]") {
		return "", problem
	}
	return parsed.Address, ""
}
