package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// mailRetryDelays are the waits before further attempts at a mail that is not an alert.
// Greylisting takes up to five minutes; a link that arrives after 15 minutes comes
// too late.
var mailRetryDelays = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute}

// maxPendingMails bounds how many mails are sent or wait for another attempt at a time.
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
// It returns the result of the first attempt, or an error when ctx ends before that.
// If the mail server asks to wait, as with greylisting, the error says so, and Mail
// retries in the background for about 15 minutes. Mails that wait are lost if the
// process ends.
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

// sendWithRetries makes the first attempt, reports it, and makes the others.
func (o *Sender) sendWithRetries(to string, msg *emailVariants, first chan<- error) {
	refusal := o.attemptMail(to, msg)
	if refusal == nil || refusal.Permanent || refusal.Uncertain {
		first <- mailError(refusal, "")
		return
	}
	first <- mailError(refusal, "; Overdue tries again in the background")
	for _, pause := range mailRetryDelays {
		select {
		case <-o.mailer.ctx.Done():
			return
		case <-time.After(pause):
		}
		refusal = o.attemptMail(to, msg)
		if refusal == nil {
			return
		}
		if refusal.Permanent || refusal.Uncertain {
			break
		}
	}
	o.log.Warn("mail not sent", "component", "notify", "error", HideAddresses(refusal.Error()))
}

// mailError returns the refusal of a mail as an error, or nil.
func mailError(refusal *SendError, more string) error {
	if refusal == nil {
		return nil
	}
	return errors.New("mail: " + HideAddresses(refusal.Error()) + more)
}

// attemptMail offers a mail to the mail server once.
func (o *Sender) attemptMail(to string, msg *emailVariants) *SendError {
	ctx, cancel := context.WithTimeout(o.mailer.ctx, o.relay.timeout)
	defer cancel()
	offered, err := o.relay.send(ctx, []string{to}, msg)
	if err == nil {
		_, err = offered.summary(false)
	}
	refusal, _ := errors.AsType[*SendError](err) // send and verdict return nothing else
	return refusal
}

// newMail writes a letter as text and HTML.
func (o *Sender) newMail(to, subject, text string) (*emailVariants, error) {
	msg, err := newEmail(o.relay.from, []string{to}, o.userAgent, time.Now())
	if err != nil {
		return nil, err
	}
	content := struct {
		Subject string
		Lines   [][]textPart
	}{oneLine(subject), splitLinkLines(text)}
	html, err := renderMail("mail.html", content)
	if err != nil {
		return nil, err
	}
	msg.Subject(content.Subject)
	msg.SetMessageIDWithValue(randomID() + "@" + o.relay.idDomain())
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return &emailVariants{full: msg}, nil
}
