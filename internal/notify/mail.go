package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Mail sends one plain letter to one address, for what is no alert, such as an
// invitation. It is tried once.
func (o *Outside) Mail(ctx context.Context, to, subject, text string) error {
	if o.relay == nil {
		return errors.New("mail: there is no mail server")
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(o.relay.from)
	if err := msg.To(to); err != nil {
		return fmt.Errorf("mail: recipient: %w", err)
	}
	msg.Subject(oneLine(subject))
	msg.SetDateWithValue(time.Now())
	msg.SetMessageID()
	msg.SetGenHeader("User-Agent", o.userAgent)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetBodyString(gomail.TypeTextPlain, text)
	ctx, cancel := context.WithTimeout(ctx, o.relay.timeout)
	defer cancel()
	offered, err := o.relay.send(ctx, []string{to}, msg)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if _, err := offered.verdict(false); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}
