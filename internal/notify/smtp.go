package notify

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// emailVariants is one message in two sizes.
type emailVariants struct {
	full *gomail.Msg
	// reduced is the message without output and HTML, for servers that reject the
	// full one. Nil: there is none.
	reduced *gomail.Msg
}

// smtpAttempt is one message offered to the mail server, and the result for each
// recipient. The library's own sending gives up on everybody as soon as one is
// rejected, so that a typing error in one address would silence the others.
type smtpAttempt struct {
	session *smtpSession

	delivered          []string           // they have it
	deferred, rejected []recipientFailure // the server asked to wait, or will never take it
	lastReply          string             // the server's last word
	endedAtRecipient   string             // the recipient at whom the session ended; empty: at none
}

// recipientFailure is the refusal of one recipient.
type recipientFailure struct {
	address string
	code    int
	text    string
}

// send offers msg for the recipients once, and the small message if the server
// rejected the full one for its content: a filter that rejects the output of the job
// must not hide that the job failed. The error is a *Refusal that concerns all
// recipients; the result for each is in the offer.
func (r *relay) send(ctx context.Context, to []string, msg *emailVariants) (smtpAttempt, error) {
	full, small, err := msg.render()
	if err != nil {
		return smtpAttempt{}, &SendError{Reason: "The email could not be written: " + r.hide.answer(err.Error(), false) + ".", Permanent: true}
	}
	begun := time.Now()
	o, refusal := r.attempt(ctx, begun, to, full, small)
	var ended []recipientFailure
	if refusal != nil && o.endedAtRecipient != "" && len(to) > 1 {
		// Once without them: if only they end sessions, the others get the message.
		ended = []recipientFailure{{o.endedAtRecipient, refusal.Status, refusal.Reason}}
		to = slices.DeleteFunc(slices.Clone(to), func(address string) bool { return address == o.endedAtRecipient })
		before := refusal
		if o, refusal = r.attempt(ctx, begun, to, full, small); refusal != nil && refusal.Status == 0 && !refusal.Uncertain {
			refusal = before
		}
	}
	if refusal != nil && refusal.Status >= 500 && !refusal.Permanent && len(o.delivered) > 0 && small != nil {
		// In a new session: some servers end a session in which they reject a message.
		first := o
		o, refusal = r.attempt(ctx, time.Now(), first.delivered, small, nil)
		o.deferred, o.rejected = append(first.deferred, o.deferred...), append(first.rejected, o.rejected...)
	}
	if refusal != nil {
		return smtpAttempt{}, refusal
	}
	o.deferred = append(o.deferred, ended...)
	return o, nil
}

// attempt offers a message in a new session, or the small one if the full one exceeds
// the server's limit. begun is when the time for the steps before the final dot began.
// If the refusal is not nil, took has the recipients that the server had accepted.
func (r *relay) attempt(ctx context.Context, begun time.Time, to []string, full, small []byte) (smtpAttempt, *SendError) {
	s, refusal := r.dial(ctx, begun)
	if refusal != nil {
		return smtpAttempt{}, refusal
	}
	o := smtpAttempt{session: s}
	_, parameter := s.client.Extension("SIZE")
	if limit := sizeLimit(parameter); small != nil && limit > 0 && int64(len(full)) > limit {
		full = small
	}
	if refusal := o.transaction(to, full); refusal != nil {
		s.close()
		return o, refusal
	}
	// The result is known: QUIT is sent in the background, because some servers never
	// answer it, and the end of the context no longer matters.
	s.release()
	go func() {
		s.quit()
		s.close()
	}()
	return o, nil
}

// render returns both sizes as sent. small is nil if there is none.
func (m *emailVariants) render() (full, small []byte, err error) {
	var b bytes.Buffer
	if _, err := m.full.WriteTo(&b); err != nil {
		return nil, nil, fmt.Errorf("message: %w", err)
	}
	if m.reduced == nil {
		return b.Bytes(), nil, nil
	}
	var s bytes.Buffer
	if _, err := m.reduced.WriteTo(&s); err != nil {
		return nil, nil, fmt.Errorf("small message: %w", err)
	}
	return b.Bytes(), s.Bytes(), nil
}

// transaction sends one message (RFC 5321, section 3.3).
func (o *smtpAttempt) transaction(to []string, message []byte) *SendError {
	s := o.session
	offersUTF8, _ := s.client.Extension("SMTPUTF8")
	to = o.withoutUTF8(to, offersUTF8)
	if len(to) == 0 {
		return nil
	}
	s.client.SkipSMTPUTF8(isASCII(strings.Join(to, "")))
	s.setStep("MAIL FROM", s.relay.times.step)
	if err := s.client.Mail("<" + s.relay.envelopeFrom() + ">"); err != nil {
		return s.sendError(err)
	}
	for _, address := range to {
		if refusal := o.recipient(address); refusal != nil {
			return refusal
		}
	}
	if len(o.delivered) == 0 {
		return nil
	}
	return o.data(message)
}

// withoutUTF8 returns the recipients that the server supports: an address with
// non-ASCII letters before the @ needs a server with SMTPUTF8.
func (o *smtpAttempt) withoutUTF8(to []string, offered bool) []string {
	var able []string
	for _, address := range to {
		if offered || isASCII(asciiDomain(address)) {
			able = append(able, address)
			continue
		}
		o.rejected = append(o.rejected, recipientFailure{address, 553, "5.6.7 the mail server does not support SMTPUTF8, which an address with non-ASCII letters before the @ needs"})
	}
	return able
}

// recipient offers the message for one address. The error ends the session.
func (o *smtpAttempt) recipient(address string) *SendError {
	s := o.session
	s.setStep("RCPT TO", s.relay.times.step)
	err := s.client.Rcpt("<" + asciiDomain(address) + ">")
	if err == nil {
		o.delivered = append(o.delivered, address)
		return nil
	}
	code, text, answered := smtpAnswer(err)
	if !answered || sessionEnds(code) {
		o.endedAtRecipient = address
		return s.sendError(err)
	}
	rejected := recipientFailure{address, code, s.relay.hide.answer(text, false)}
	if isPermanentReply(code, text) {
		o.rejected = append(o.rejected, rejected)
	} else {
		o.deferred = append(o.deferred, rejected)
	}
	return nil
}

// data sends the message for the accepted recipients.
func (o *smtpAttempt) data(message []byte) *SendError {
	s := o.session
	s.setStep("DATA", s.relay.times.step)
	w, err := s.client.Data()
	if err != nil {
		return s.sendError(err)
	}
	s.setStep("the end of the message", s.relay.times.body)
	if _, err = w.Write(message); err != nil {
		return s.sendError(err)
	}
	s.awaitFinalReply()
	if err = w.Close(); err != nil {
		code, text, answered := smtpAnswer(err)
		if !answered {
			return s.uncertainError(err)
		}
		if code/100 == 2 { // the first digit decides (RFC 5321, section 4.2.1)
			o.lastReply = s.relay.hide.answer(text, false)
			return nil
		}
		refusal := s.sendError(err)
		refusal.Permanent = enhancedCode.MatchString(text) && isPermanentReply(code, text)
		return refusal
	}
	if closed, ok := w.(*smtp.DataCloser); ok {
		o.lastReply = s.relay.hide.answer(closed.ServerResponse(), false)
	}
	return nil
}

// summary sums the recipients up. A message that reached somebody counts as
// sent; that others never will is said in the detail. While anybody was only
// asked to wait it is owed still. before: an earlier attempt reached somebody.
func (o *smtpAttempt) summary(before bool) (Receipt, error) {
	switch {
	case len(o.deferred) > 0:
		return Receipt{}, &SendError{Status: o.deferred[0].code, Reason: shorten(listFailures(append(o.deferred, o.rejected...)), maxDetail)}
	case len(o.delivered) == 0 && !before:
		return Receipt{}, &SendError{Status: o.rejected[0].code, Reason: shorten(listFailures(o.rejected), maxDetail), Permanent: true}
	case len(o.rejected) > 0:
		return Receipt{Status: 250, Detail: shorten("Not for everybody: "+listFailures(o.rejected), maxDetail)}, nil
	}
	return Receipt{Status: 250, Detail: o.lastReply}, nil
}

// listFailures names rejected recipients with the server's answers.
func listFailures(rejected []recipientFailure) string {
	var out []string
	for _, n := range rejected {
		if n.code == 0 { // the server hung up
			out = append(out, n.address+": "+n.text)
			continue
		}
		out = append(out, fmt.Sprintf("%s: %d %s", n.address, n.code, n.text))
	}
	return strings.Join(out, "; ")
}
