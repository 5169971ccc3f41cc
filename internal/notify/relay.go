package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// relay is the operator's mail server.
type relay struct {
	host    string
	port    int
	mode    tlsMode
	user    *url.Userinfo // nil: no sign-in
	from    *mail.Address
	tls     *tls.Config
	timeout time.Duration
	hide    redactor
}

// tlsMode is how the connection to the mail server is kept private.
type tlsMode int

const (
	startTLS  tlsMode = iota // STARTTLS, or no mail
	fromFirst                // TLS from the first byte
	noTLS                    // in the clear, by the operator's word
)

// newRelay reads the mail server from its URL. No error repeats the URL: it
// holds the password.
func newRelay(opts OutsideOptions) (*relay, error) {
	u, err := url.Parse(opts.SMTPURL)
	if err != nil {
		return nil, errors.New("the URL cannot be read: write smtp://user:password@host:587, with special characters of the password percent-encoded")
	}
	r := &relay{host: u.Hostname(), user: u.User, timeout: opts.SMTPTimeout}
	if err := r.scheme(u); err != nil {
		return nil, err
	}
	if r.host == "" || u.Opaque != "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("write a host and nothing after it, such as smtp://mail.example.com:587")
	}
	if err := r.sender(u, opts.SMTPFrom); err != nil {
		return nil, err
	}
	r.tls = &tls.Config{ServerName: r.host, MinVersion: tls.VersionTLS12}
	if opts.TLSConfig != nil {
		r.tls.RootCAs = opts.TLSConfig.RootCAs
	}
	if password, given := u.User.Password(); given {
		// The second is what a server echoes of a sign-in with AUTH PLAIN.
		r.hide = newRedactor(password, "\x00"+u.User.Username()+"\x00"+password)
	}
	return r, nil
}

// scheme reads how and on which port the server is spoken to.
func (r *relay) scheme(u *url.URL) error {
	switch u.Scheme {
	case "smtp":
		r.mode, r.port = startTLS, 587
	case "smtps":
		r.mode, r.port = fromFirst, 465
	case "smtp+insecure":
		r.mode, r.port = noTLS, 25
		if u.User != nil {
			return errors.New("smtp+insecure:// would send the password in the clear: use smtp:// or smtps://")
		}
	default:
		return errors.New("the URL begins with smtp://, smtps:// or smtp+insecure://")
	}
	if u.Port() == "" {
		return nil
	}
	if !validPort(u.Port()) {
		return errors.New("the port is a number from 1 to 65535")
	}
	r.port, _ = strconv.Atoi(u.Port()) // validPort has read it
	return nil
}

// sender finds who the mail is from: the option, the URL's "from", or its user.
func (r *relay) sender(u *url.URL, option string) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the part after ? cannot be read: write ?from=overdue@example.com")
	}
	for name := range query {
		if name != "from" {
			return fmt.Errorf("the URL has no setting %q, only from", name)
		}
	}
	for _, text := range []string{option, query.Get("from"), u.User.Username()} {
		if text == "" {
			continue
		}
		from, err := mail.ParseAddress(text)
		if err != nil && text == u.User.Username() {
			break // a login that is no address says nothing about the sender
		}
		if err != nil {
			return errors.New("the sender is not an e-mail address: write it like overdue@example.com")
		}
		if _, problem := address(from.Address); problem != "" {
			return errors.New("the sender is not an e-mail address: write it like overdue@example.com")
		}
		r.from = &mail.Address{Name: short(from.Name), Address: from.Address}
		return nil
	}
	return errors.New("there is no sender: set --smtp-from, or add ?from=overdue@example.com to the URL")
}

// send offers msg for the recipients once. The error is a *Refusal that
// concerns them all; what happened to each is in the offer.
func (r *relay) send(ctx context.Context, to []string, msg *gomail.Msg) (offer, error) {
	client, hangUp, err := r.dial(ctx)
	defer hangUp()
	if err != nil {
		return offer{}, r.refusal(err)
	}
	o := offer{client: client, msg: msg, relay: r}
	if err := o.make(to); err != nil {
		return offer{}, err
	}
	// The message is taken: whether the goodbye arrives changes nothing.
	_ = client.Quit()
	return o, nil
}

// refusal says why the mail server could not be used at all. It is never final:
// the operator can mend it within the day that delivery keeps trying.
func (r *relay) refusal(err error) *Refusal {
	if code, text, ok := smtpAnswer(err); ok {
		return &Refusal{Status: code, Body: r.hide.answer(text, false)}
	}
	if timedOut(err) || errors.Is(err, net.ErrClosed) {
		return &Refusal{Body: fmt.Sprintf("No answer from the mail server within %.0f s.", r.timeout.Seconds())}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		err = innermost(err)
	}
	return &Refusal{Body: "The mail server could not be used: " + r.hide.answer(err.Error(), false) + "."}
}
