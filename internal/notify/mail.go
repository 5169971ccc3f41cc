package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// mailPauses are the waits before further attempts at a mail that is not an alert.
// Greylisting takes up to five minutes; a link that arrives after 15 minutes comes
// too late.
var mailPauses = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute}

// maxMails bounds how many mails are sent or wait for another attempt at a time.
const maxMails = 100

// mailer sends mails that are not alerts.
type mailer struct {
	places chan struct{}
	ctx    context.Context // ends with the Outside
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// newMailer returns a mailer that runs until stop is called.
func newMailer() *mailer {
	ctx, stop := context.WithCancel(context.Background())
	return &mailer{places: make(chan struct{}, maxMails), ctx: ctx, stop: stop}
}

// Mail sends one mail that is not an alert, such as an invitation, to one address.
// It returns the result of the first attempt, or an error when ctx ends before that.
// If the mail server asks to wait, as with greylisting, the error says so, and Mail
// retries in the background for about 15 minutes. Mails that wait are lost if the
// process ends.
func (o *Outside) Mail(ctx context.Context, to, subject, text string) error {
	if o.relay == nil {
		return errors.New("mail: no mail server is configured")
	}
	msg, err := o.letterTo(to, subject, text)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	select {
	case o.mailer.places <- struct{}{}:
	default:
		return fmt.Errorf("mail: limit of %d mails at a time reached: try again later", maxMails)
	}
	first := make(chan error, 1)
	o.mailer.work.Go(func() {
		defer func() { <-o.mailer.places }()
		o.persist(to, msg, first)
	})
	select {
	case err := <-first:
		return err
	case <-ctx.Done():
		return fmt.Errorf("mail: no answer from the mail server yet; the attempt continues: %w", ctx.Err())
	}
}

// persist makes the first attempt, reports it, and makes the others.
func (o *Outside) persist(to string, msg *emailMessage, first chan<- error) {
	refusal := o.attempt(to, msg)
	if refusal == nil || refusal.Final || refusal.Uncertain {
		first <- mailError(refusal, "")
		return
	}
	first <- mailError(refusal, "; Overdue tries again in the background")
	for _, pause := range mailPauses {
		select {
		case <-o.mailer.ctx.Done():
			return
		case <-time.After(pause):
		}
		refusal = o.attempt(to, msg)
		if refusal == nil {
			return
		}
		if refusal.Final || refusal.Uncertain {
			break
		}
	}
	o.log.Warn("mail not sent", "component", "notify", "error", HideAddresses(refusal.Error()))
}

// mailError returns the refusal of a mail as an error, or nil.
func mailError(refusal *Refusal, more string) error {
	if refusal == nil {
		return nil
	}
	return errors.New("mail: " + HideAddresses(refusal.Error()) + more)
}

// attempt offers a mail to the mail server once.
func (o *Outside) attempt(to string, msg *emailMessage) *Refusal {
	ctx, cancel := context.WithTimeout(o.mailer.ctx, o.relay.timeout)
	defer cancel()
	offered, err := o.relay.send(ctx, []string{to}, msg)
	if err == nil {
		_, err = offered.verdict(false)
	}
	refusal, _ := errors.AsType[*Refusal](err) // send and verdict return nothing else
	return refusal
}

// letterTo writes a letter as text and HTML.
func (o *Outside) letterTo(to, subject, text string) (*emailMessage, error) {
	msg, err := newEmail(o.relay.from, []string{to}, o.userAgent, time.Now())
	if err != nil {
		return nil, err
	}
	content := struct {
		Subject string
		Lines   [][]piece
	}{oneLine(subject), linkedLines(text)}
	html, err := renderMail("mail.html", content)
	if err != nil {
		return nil, err
	}
	msg.Subject(content.Subject)
	msg.SetMessageIDWithValue(randomID() + "@" + o.relay.idDomain())
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return &emailMessage{full: msg}, nil
}
