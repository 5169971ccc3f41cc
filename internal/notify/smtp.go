package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// dial connects, secures and signs in. hangUp closes whatever was opened and is
// to be called after an error too: the library leaves the connection open then.
func (r *relay) dial(ctx context.Context) (client *smtp.Client, hangUp func(), err error) {
	var opened net.Conn
	hangUp = func() {
		if opened != nil {
			_ = opened.Close() // closed before, if the server heard the goodbye
		}
	}
	connect := func(dialling context.Context, network, address string) (net.Conn, error) {
		raw, err := (&net.Dialer{}).DialContext(dialling, network, address)
		if err != nil {
			return nil, fmt.Errorf("mail server: %w", err)
		}
		opened = raw
		// The library watches the context while it dials and never again, so
		// the end of the context closes the connection under it.
		context.AfterFunc(ctx, func() { _ = raw.Close() })
		if r.mode == fromFirst {
			return tls.Client(raw, r.tls), nil
		}
		return raw, nil
	}
	c, err := gomail.NewClient(r.host, append(r.options(), gomail.WithDialContextFunc(connect))...)
	if err != nil {
		return nil, hangUp, fmt.Errorf("mail client: %w", err)
	}
	client, err = c.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return nil, hangUp, fmt.Errorf("mail server: %w", err)
	}
	return client, hangUp, nil
}

// options are the relay's settings in the library's words.
func (r *relay) options() []gomail.Option {
	opts := []gomail.Option{
		gomail.WithPort(r.port), gomail.WithTimeout(r.timeout), gomail.WithTLSConfig(r.tls),
	}
	switch r.mode {
	case startTLS:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case fromFirst:
		opts = append(opts, gomail.WithSSL())
	case noTLS:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if r.user == nil {
		return opts
	}
	password, _ := r.user.Password()
	// Plain first: the connection is private whenever there is a user, and it
	// is the mechanism that mail servers get right.
	return append(opts, gomail.WithUsername(r.user.Username()), gomail.WithPassword(password),
		gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlain, gomail.SMTPAuthLogin,
			gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthCramMD5))
}

// offer is one message offered to the mail server, and what came of it for each
// recipient. The library's own sending gives up on everybody as soon as one is
// refused, so that a typing error in one address would silence the others.
type offer struct {
	client *smtp.Client
	msg    *gomail.Msg
	relay  *relay

	took         []string // they have it
	later, never []no     // the server asked to wait, or will never take it
	answer       string   // the server's last word
}

// no is the refusal of one recipient.
type no struct {
	address string
	code    int
	text    string
}

// make runs the transaction of RFC 5321, section 3.3. The error is a *Refusal
// that concerns every recipient.
func (o *offer) make(to []string) error {
	if err := o.client.Mail("<" + o.relay.from.Address + ">"); err != nil {
		return o.relay.refusal(err)
	}
	for _, address := range to {
		err := o.client.Rcpt("<" + address + ">")
		if err == nil {
			o.took = append(o.took, address)
			continue
		}
		code, text, answered := smtpAnswer(err)
		if !answered {
			return o.relay.refusal(err)
		}
		refused := no{address, code, o.relay.hide.answer(text, false)}
		// 552 means "too many recipients" here (RFC 5321, section 4.5.3.1.10).
		if code < 500 || code == 552 {
			o.later = append(o.later, refused)
		} else {
			o.never = append(o.never, refused)
		}
	}
	if len(o.took) == 0 {
		return nil
	}
	return o.data()
}

// data hands the message over to those who were accepted. A no of 500 and more
// is final: it is about the message, and the next attempt carries the same one.
func (o *offer) data() error {
	w, err := o.client.Data()
	if err == nil {
		if _, err = o.msg.WriteTo(w); err != nil {
			return o.relay.refusal(err)
		}
		err = w.Close()
	}
	if err != nil {
		refusal := o.relay.refusal(err)
		refusal.Final = refusal.Status >= 500
		return refusal
	}
	if closed, ok := w.(*smtp.DataCloser); ok {
		o.answer = o.relay.hide.answer(closed.ServerResponse(), false)
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

// list names refused recipients with the server's answers.
func list(refused []no) string {
	var out []string
	for _, n := range refused {
		out = append(out, fmt.Sprintf("%s: %d %s", n.address, n.code, n.text))
	}
	return strings.Join(out, "; ")
}

// smtpAnswer returns the server's reply in err, if it is one.
func smtpAnswer(err error) (code int, text string, ok bool) {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return 0, "", false
	}
	return reply.Code, reply.Msg, true
}
