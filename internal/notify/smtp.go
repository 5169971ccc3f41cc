package notify

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// emailVariants is one message in a full and a reduced form.
type emailVariants struct {
	full *gomail.Msg
	// reduced is the message without output and HTML, for servers that reject the
	// full one. Nil: none.
	reduced *gomail.Msg
}

// smtpAttempt is one attempt to send a message, with the result for each
// recipient. The library does not send at all if one recipient is rejected, so a
// typing error in one address would affect all recipients.
type smtpAttempt struct {
	session *smtpSession

	delivered          []string           // recipients that accepted the message
	deferred, rejected []recipientFailure // temporary and permanent failures
	lastReply          string             // last reply of the server
	endedAtRecipient   string             // the recipient at which the session ended; empty: none
}

// recipientFailure is the failure of one recipient.
type recipientFailure struct {
	address string
	code    int
	text    string
}

// send offers msg for the recipients once, and the small message if the server
// rejected the full one for its content: a filter that rejects the output of the job
// must not hide that the job failed. The error is a *SendError that concerns all
// recipients; the result for each is in the offer.
func (r *relay) send(ctx context.Context, to []string, msg *emailVariants) (smtpAttempt, error) {
	full, small, err := msg.render()
	if err != nil {
		return smtpAttempt{}, &SendError{Reason: "The email could not be created: " + r.hide.cleanResponse(err.Error(), false) + ".", Permanent: true}
	}
	begun := time.Now()
	o, failure := r.attempt(ctx, begun, to, full, small)
	var ended []recipientFailure
	if failure != nil && o.endedAtRecipient != "" && len(to) > 1 {
		// Once without this recipient: if only this one ends sessions, the others get
		// the message.
		ended = []recipientFailure{{o.endedAtRecipient, failure.Status, failure.Reason}}
		to = slices.DeleteFunc(slices.Clone(to), func(address string) bool { return address == o.endedAtRecipient })
		before := failure
		if o, failure = r.attempt(ctx, begun, to, full, small); failure != nil && failure.Status == 0 && !failure.Uncertain {
			failure = before
		}
	}
	if failure != nil && failure.Status >= 500 && !failure.Permanent && len(o.delivered) > 0 && small != nil {
		// In a new session: some servers end a session after they reject a message.
		first := o
		o, failure = r.attempt(ctx, time.Now(), first.delivered, small, nil)
		o.deferred, o.rejected = append(first.deferred, o.deferred...), append(first.rejected, o.rejected...)
	}
	if failure != nil {
		return smtpAttempt{}, failure
	}
	o.deferred = append(o.deferred, ended...)
	return o, nil
}

// attempt sends a message in a new session, or the reduced one if the full one exceeds
// the size limit of the server. begun is the start of the timeout for the steps before
// the final dot. After an error, delivered has the recipients that the server
// accepted.
func (r *relay) attempt(ctx context.Context, begun time.Time, to []string, full, small []byte) (smtpAttempt, *SendError) {
	s, failure := r.dial(ctx, begun)
	if failure != nil {
		return smtpAttempt{}, failure
	}
	o := smtpAttempt{session: s}
	_, parameter := s.client.Extension("SIZE")
	if limit := sizeLimit(parameter); small != nil && limit > 0 && int64(len(full)) > limit {
		full = small
	}
	if failure := o.transaction(to, full); failure != nil {
		s.close()
		return o, failure
	}
	// The result is known. QUIT is sent in the background, because some servers never
	// answer it.
	s.release()
	go func() {
		s.quit()
		s.close()
	}()
	return o, nil
}

// render renders both forms. small is nil if there is no reduced form.
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
		if failure := o.recipient(address); failure != nil {
			return failure
		}
	}
	if len(o.delivered) == 0 {
		return nil
	}
	return o.data(message)
}

// withoutUTF8 returns the recipients that the server supports. An address with
// non-ASCII letters before the @ requires a server with SMTPUTF8.
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

// recipient announces one recipient. An error ends the session.
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
	rejected := recipientFailure{address, code, s.relay.hide.cleanResponse(text, false)}
	if isPermanentReply(code, text) {
		o.rejected = append(o.rejected, rejected)
	} else {
		o.deferred = append(o.deferred, rejected)
	}
	return nil
}

// data sends the message to the accepted recipients.
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
			o.lastReply = s.relay.hide.cleanResponse(text, false)
			return nil
		}
		failure := s.sendError(err)
		failure.Permanent = enhancedCode.MatchString(text) && isPermanentReply(code, text)
		return failure
	}
	if closed, ok := w.(*smtp.DataCloser); ok {
		o.lastReply = s.relay.hide.cleanResponse(closed.ServerResponse(), false)
	}
	return nil
}

// summary summarizes the recipients. A message that reached at least one
// recipient counts as sent; the detail lists permanent failures. If the server
// asked to wait for a recipient, the result is a retryable error. before is
// true if an earlier attempt reached a recipient.
func (o *smtpAttempt) summary(before bool) (Receipt, error) {
	switch {
	case len(o.deferred) > 0:
		return Receipt{}, &SendError{Status: o.deferred[0].code, Reason: message.Shorten(listFailures(append(o.deferred, o.rejected...)), message.MaxDetail)}
	case len(o.delivered) == 0 && !before:
		return Receipt{}, &SendError{Status: o.rejected[0].code, Reason: message.Shorten(listFailures(o.rejected), message.MaxDetail), Permanent: true}
	case len(o.rejected) > 0:
		return Receipt{Status: 250, Detail: message.Shorten("Not delivered to all recipients: "+listFailures(o.rejected), message.MaxDetail)}, nil
	}
	return Receipt{Status: 250, Detail: o.lastReply}, nil
}

// listFailures lists failed recipients with the replies of the server.
func listFailures(rejected []recipientFailure) string {
	var out []string
	for _, n := range rejected {
		if n.code == 0 { // the server closed the connection
			out = append(out, n.address+": "+n.text)
			continue
		}
		out = append(out, fmt.Sprintf("%s: %d %s", n.address, n.code, n.text))
	}
	return strings.Join(out, "; ")
}

// RecipientResult is the result of one attempt for one recipient.
type RecipientResult struct {
	Recipient string
	Err       *SendError // nil: delivered
	Thread    string     // as in [Receipt]
}

// Recipients returns the recipients of a channel with separate results, or nil if
// the kind has a single destination.
func Recipients(kind string, set setting.Values) []string {
	k, known := KindOf(kind)
	if !known || k.Recipients == nil {
		return nil
	}
	return k.Recipients(set)
}

// recipientsOf returns the recipients of this attempt.
func recipientsOf(n message.Notification, all []string) []string {
	if len(n.Recipients) > 0 {
		return n.Recipients
	}
	return all
}

// receipt returns the result for each recipient. A message that was delivered to at
// least one recipient counts as sent. Otherwise the result is an error, which is
// permanent if it is permanent for all recipients.
func (o *smtpAttempt) receipt() (Receipt, error) {
	var all []RecipientResult
	for _, address := range o.delivered {
		all = append(all, RecipientResult{Recipient: address})
	}
	for _, n := range o.deferred {
		all = append(all, RecipientResult{Recipient: n.address, Err: &SendError{Status: n.code, Reason: n.text}})
	}
	for _, n := range o.rejected {
		all = append(all, RecipientResult{Recipient: n.address, Err: &SendError{Status: n.code, Reason: n.text, Permanent: true}})
	}
	failed := append(append([]recipientFailure{}, o.deferred...), o.rejected...)
	switch {
	case len(o.delivered) == 0 && len(failed) > 0:
		return Receipt{}, &SendError{
			Status: failed[0].code, Reason: message.Shorten(listFailures(failed), message.MaxDetail), Permanent: len(o.deferred) == 0, Recipients: all,
		}
	case len(failed) > 0:
		detail := fmt.Sprintf("Sent to %d of %d; %s", len(o.delivered), len(all), listFailures(failed))
		return Receipt{Status: 250, Detail: message.Shorten(detail, message.MaxDetail), Recipients: all}, nil
	}
	return Receipt{Status: 250, Detail: o.lastReply, Recipients: all}, nil
}
