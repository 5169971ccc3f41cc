package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"overdue/internal/notify/message"

	gomail "github.com/wneessen/go-mail"
)

// mailRetryDelays are the delays before further attempts to send a mail that is not an
// alert. Greylisting takes up to five minutes. A link that arrives after 15 minutes is
// too late.
var mailRetryDelays = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute}

// maxPendingMails is the maximum number of mails in progress, including those that wait
// for another attempt.
const maxPendingMails = 100

// mailer sends mails that are not alerts.
type mailer struct {
	slots    chan struct{}
	ctx      context.Context // ends with the Outside
	stop     context.CancelFunc
	attempts sync.WaitGroup
}

// newMailer returns a mailer that runs until stop is called.
func newMailer() *mailer {
	ctx, stop := context.WithCancel(context.Background())
	return &mailer{slots: make(chan struct{}, maxPendingMails), ctx: ctx, stop: stop}
}

// SendMail sends one mail that is not an alert, such as an invitation, to one address.
// It returns the result of the first attempt, or an error if ctx ends earlier. If the
// mail server asks to wait, as with greylisting, it returns that error and retries in
// the background for about 15 minutes. Waiting mails are lost when the process ends.
func (o *Sender) SendMail(ctx context.Context, to, subject, text string) error {
	if o.relay == nil {
		return errors.New("mail: no mail server is configured")
	}
	msg, err := o.newMail(to, subject, text)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	select {
	case o.mailer.slots <- struct{}{}:
	default:
		return fmt.Errorf("mail: limit of %d mails at a time reached: try again later", maxPendingMails)
	}
	first := make(chan error, 1)
	o.mailer.attempts.Go(func() {
		defer func() { <-o.mailer.slots }()
		o.sendWithRetries(to, msg, first)
	})
	select {
	case err := <-first:
		return err
	case <-ctx.Done():
		return fmt.Errorf("mail: no answer from the mail server yet; the attempt continues: %w", ctx.Err())
	}
}

// sendWithRetries makes the first attempt, reports its result, and retries.
func (o *Sender) sendWithRetries(to string, msg *emailVariants, first chan<- error) {
	failure := o.attemptMail(to, msg)
	if failure == nil || failure.Permanent || failure.Uncertain {
		first <- mailError(failure, "")
		return
	}
	first <- mailError(failure, "; Overdue retries in the background")
	for _, pause := range mailRetryDelays {
		select {
		case <-o.mailer.ctx.Done():
			return
		case <-time.After(pause):
		}
		failure = o.attemptMail(to, msg)
		if failure == nil {
			return
		}
		if failure.Permanent || failure.Uncertain {
			break
		}
	}
	o.log.Warn("mail not sent", "component", "notify", "error", message.HideAddresses(failure.Error()))
}

// mailError returns the error of a mail, or nil.
func mailError(failure *SendError, more string) error {
	if failure == nil {
		return nil
	}
	return errors.New("mail: " + message.HideAddresses(failure.Error()) + more)
}

// attemptMail makes one attempt to send a mail.
func (o *Sender) attemptMail(to string, msg *emailVariants) *SendError {
	ctx, cancel := context.WithTimeout(o.mailer.ctx, o.relay.timeout)
	defer cancel()
	offered, err := o.relay.send(ctx, []string{to}, msg)
	if err == nil {
		_, err = offered.summary(false)
	}
	failure, _ := errors.AsType[*SendError](err) // nil if err is nil; send and summary return no other type
	return failure
}

// newMail creates a mail as text and HTML.
func (o *Sender) newMail(to, subject, text string) (*emailVariants, error) {
	msg, err := newEmail(o.relay.from, []string{to}, o.userAgent, time.Now())
	if err != nil {
		return nil, err
	}
	content := struct {
		Subject string
		Lines   [][]textPart
	}{message.OneLine(subject), splitLinkLines(text)}
	html, err := renderMail("mail.html", content)
	if err != nil {
		return nil, err
	}
	setSubject(msg, content.Subject)
	msg.SetMessageIDWithValue(randomID() + "@" + o.relay.idDomain())
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return &emailVariants{full: msg}, nil
}
