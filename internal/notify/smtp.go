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

// emailMessage is one message in two sizes.
type emailMessage struct {
	full *gomail.Msg
	// small is the message without output and HTML, for servers that reject the
	// full one. Nil: there is none.
	small *gomail.Msg
}

// offer is one message offered to the mail server, and the result for each
// recipient. The library's own sending gives up on everybody as soon as one is
// rejected, so that a typing error in one address would silence the others.
type offer struct {
	session *smtpSession

	took         []string // they have it
	later, never []no     // the server asked to wait, or will never take it
	answer       string   // the server's last word
	endedAt      string   // the recipient at whom the session ended; empty: at none
}

// no is the refusal of one recipient.
type no struct {
	address string
	code    int
	text    string
}

// send offers msg for the recipients once, and the small message if the server
// rejected the full one for its content: a filter that rejects the output of the job
// must not hide that the job failed. The error is a *Refusal that concerns all
// recipients; the result for each is in the offer.
func (r *relay) send(ctx context.Context, to []string, msg *emailMessage) (offer, error) {
	full, small, err := msg.render()
	if err != nil {
		return offer{}, &Refusal{Body: "The email could not be written: " + r.hide.answer(err.Error(), false) + ".", Final: true}
	}
	begun := time.Now()
	o, refusal := r.offer(ctx, begun, to, full, small)
	var ended []no
	if refusal != nil && o.endedAt != "" && len(to) > 1 {
		// Once without them: if only they end sessions, the others get the message.
		ended = []no{{o.endedAt, refusal.Status, refusal.Body}}
		to = slices.DeleteFunc(slices.Clone(to), func(address string) bool { return address == o.endedAt })
		before := refusal
		if o, refusal = r.offer(ctx, begun, to, full, small); refusal != nil && refusal.Status == 0 && !refusal.Uncertain {
			refusal = before
		}
	}
	if refusal != nil && refusal.Status >= 500 && !refusal.Final && len(o.took) > 0 && small != nil {
		// In a new session: some servers end a session in which they reject a message.
		first := o
		o, refusal = r.offer(ctx, time.Now(), first.took, small, nil)
		o.later, o.never = append(first.later, o.later...), append(first.never, o.never...)
	}
	if refusal != nil {
		return offer{}, refusal
	}
	o.later = append(o.later, ended...)
	return o, nil
}

// offer offers a message in a new session, or the small one if the full one exceeds
// the server's limit. begun is when the time for the steps before the final dot began.
// If the refusal is not nil, took has the recipients that the server had accepted.
func (r *relay) offer(ctx context.Context, begun time.Time, to []string, full, small []byte) (offer, *Refusal) {
	s, refusal := r.dial(ctx, begun)
	if refusal != nil {
		return offer{}, refusal
	}
	o := offer{session: s}
	_, parameter := s.client.Extension("SIZE")
	if limit := sizeLimit(parameter); small != nil && limit > 0 && int64(len(full)) > limit {
		full = small
	}
	if refusal := o.transaction(to, full); refusal != nil {
		s.hangUp()
		return o, refusal
	}
	// The result is known: QUIT is sent in the background, because some servers never
	// answer it, and the end of the context no longer matters.
	s.release()
	go func() {
		s.quit()
		s.hangUp()
	}()
	return o, nil
}

// render returns both sizes as sent. small is nil if there is none.
func (m *emailMessage) render() (full, small []byte, err error) {
	var b bytes.Buffer
	if _, err := m.full.WriteTo(&b); err != nil {
		return nil, nil, fmt.Errorf("message: %w", err)
	}
	if m.small == nil {
		return b.Bytes(), nil, nil
	}
	var s bytes.Buffer
	if _, err := m.small.WriteTo(&s); err != nil {
		return nil, nil, fmt.Errorf("small message: %w", err)
	}
	return b.Bytes(), s.Bytes(), nil
}

// transaction sends one message (RFC 5321, section 3.3).
func (o *offer) transaction(to []string, message []byte) *Refusal {
	s := o.session
	offersUTF8, _ := s.client.Extension("SMTPUTF8")
	to = o.withoutUTF8(to, offersUTF8)
	if len(to) == 0 {
		return nil
	}
	s.client.SkipSMTPUTF8(ascii(strings.Join(to, "")))
	s.within("MAIL FROM", s.relay.times.step)
	if err := s.client.Mail("<" + s.relay.envelopeFrom() + ">"); err != nil {
		return s.refusal(err)
	}
	for _, address := range to {
		if refusal := o.recipient(address); refusal != nil {
			return refusal
		}
	}
	if len(o.took) == 0 {
		return nil
	}
	return o.data(message)
}

// withoutUTF8 returns the recipients that the server supports: an address with
// non-ASCII letters before the @ needs a server with SMTPUTF8.
func (o *offer) withoutUTF8(to []string, offered bool) []string {
	var able []string
	for _, address := range to {
		if offered || ascii(asciiDomain(address)) {
			able = append(able, address)
			continue
		}
		o.never = append(o.never, no{address, 553, "5.6.7 the mail server does not support SMTPUTF8, which an address with non-ASCII letters before the @ needs"})
	}
	return able
}

// recipient offers the message for one address. The error ends the session.
func (o *offer) recipient(address string) *Refusal {
	s := o.session
	s.within("RCPT TO", s.relay.times.step)
	err := s.client.Rcpt("<" + asciiDomain(address) + ">")
	if err == nil {
		o.took = append(o.took, address)
		return nil
	}
	code, text, answered := smtpAnswer(err)
	if !answered || sessionEnds(code) {
		o.endedAt = address
		return s.refusal(err)
	}
	rejected := no{address, code, s.relay.hide.answer(text, false)}
	if permanent(code, text) {
		o.never = append(o.never, rejected)
	} else {
		o.later = append(o.later, rejected)
	}
	return nil
}

// data sends the message for the accepted recipients.
func (o *offer) data(message []byte) *Refusal {
	s := o.session
	s.within("DATA", s.relay.times.step)
	w, err := s.client.Data()
	if err != nil {
		return s.refusal(err)
	}
	s.within("the end of the message", s.relay.times.body)
	if _, err = w.Write(message); err != nil {
		return s.refusal(err)
	}
	s.beginFinal()
	if err = w.Close(); err != nil {
		code, text, answered := smtpAnswer(err)
		if !answered {
			return s.uncertain(err)
		}
		if code/100 == 2 { // the first digit decides (RFC 5321, section 4.2.1)
			o.answer = s.relay.hide.answer(text, false)
			return nil
		}
		refusal := s.refusal(err)
		refusal.Final = enhancedCode.MatchString(text) && permanent(code, text)
		return refusal
	}
	if closed, ok := w.(*smtp.DataCloser); ok {
		o.answer = s.relay.hide.answer(closed.ServerResponse(), false)
	}
	return nil
}

// verdict sums the recipients up. A message that reached somebody counts as
// sent; that others never will is said in the detail. While anybody was only
// asked to wait it is owed still. before: an earlier attempt reached somebody.
func (o *offer) verdict(before bool) (Receipt, error) {
	switch {
	case len(o.later) > 0:
		return Receipt{}, &Refusal{Status: o.later[0].code, Body: shorten(list(append(o.later, o.never...)), mostDetail)}
	case len(o.took) == 0 && !before:
		return Receipt{}, &Refusal{Status: o.never[0].code, Body: shorten(list(o.never), mostDetail), Final: true}
	case len(o.never) > 0:
		return Receipt{Status: 250, Detail: shorten("Not for everybody: "+list(o.never), mostDetail)}, nil
	}
	return Receipt{Status: 250, Detail: o.answer}, nil
}

// list names rejected recipients with the server's answers.
func list(rejected []no) string {
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
