package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"strconv"
	"time"
)

// defaultSMTPTimeouts are the limits of the steps, see [smtpTimeouts].
var defaultSMTPTimeouts = smtpTimeouts{
	step: 30 * time.Second, body: time.Minute, final: 5 * time.Minute, beforeData: 90 * time.Second, quit: time.Second,
}

// EmailTimeout bounds one attempt to send an email, from the connection to the
// answer to the final dot.
const EmailTimeout = 7 * time.Minute

// relay is the operator's mail server.
type relay struct {
	host     string
	port     int
	mode     tlsMode
	user     *url.Userinfo // nil: no sign-in
	from     *mail.Address
	bounceTo string // envelope sender; empty: from
	helo     string // name for EHLO; empty: the address of the connection
	tls      *tls.Config
	timeout  time.Duration // of one whole attempt
	times    smtpTimeouts
	hide     redactor
	// connect opens the connection; tests connect to a server in the same process.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// tlsMode is how the connection to the mail server is kept private.
type tlsMode int

const (
	startTLS    tlsMode = iota // STARTTLS, or no mail
	implicitTLS                // TLS from the first byte
	noTLS                      // in the clear, by the operator's word
)

// newRelay reads the mail server from its URL. No error repeats the URL: it
// holds the password.
func newRelay(opts Options) (*relay, error) {
	u, err := url.Parse(opts.SMTPURL)
	if err != nil {
		return nil, errors.New("the URL cannot be read: write smtp://user:password@host:587, with special characters of the password percent-encoded")
	}
	r := &relay{host: u.Hostname(), user: u.User, timeout: EmailTimeout, times: defaultSMTPTimeouts, connect: (&net.Dialer{}).DialContext}
	if err := r.parseScheme(u); err != nil {
		return nil, err
	}
	if r.host == "" || u.Opaque != "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("write a host and nothing after it, such as smtp://mail.example.com:587")
	}
	if err := r.parseSender(u, opts.SMTPFrom); err != nil {
		return nil, err
	}
	if r.bounceTo, err = parseBounceTo(opts.SMTPBounceTo); err != nil {
		return nil, err
	}
	if r.helo, err = heloName(opts.SMTPHelo, hostname(), opts.PublicURL); err != nil {
		return nil, err
	}
	if r.tls, err = r.tlsConfig(opts); err != nil {
		return nil, err
	}
	if password, given := u.User.Password(); given {
		// The second is what a server echoes of a sign-in with AUTH PLAIN.
		r.hide = newRedactor(password, "\x00"+u.User.Username()+"\x00"+password)
	}
	return r, nil
}

// tlsConfig returns the TLS settings: the authorities of the system, those that the
// options name, and those in the operator's file.
func (r *relay) tlsConfig(opts Options) (*tls.Config, error) {
	config := &tls.Config{ServerName: r.host, MinVersion: tls.VersionTLS12}
	if opts.TLSConfig != nil {
		config.RootCAs = opts.TLSConfig.RootCAs
	}
	if opts.SMTPCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(opts.SMTPCA)
	if err != nil {
		return nil, fmt.Errorf("smtp-ca: %w", err)
	}
	if config.RootCAs == nil {
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool() // for example in a container without CA certificates
		}
	} else {
		config.RootCAs = config.RootCAs.Clone()
	}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("smtp-ca: %s has no certificate in PEM form (-----BEGIN CERTIFICATE-----)", opts.SMTPCA)
	}
	return config, nil
}

// parseBounceTo reads the address that bounces go to.
func parseBounceTo(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	normal, problem := emailAddress(text)
	if problem != "" {
		return "", errors.New("smtp-bounce-to is not an email address: write it like bounces@example.com")
	}
	normal = asciiDomain(normal)
	if !isASCII(normal) {
		return "", fmt.Errorf("smtp-bounce-to: %s has non-ASCII letters before the @, which most mail servers do not accept: use another address", normal)
	}
	return normal, nil
}

// envelopeFrom is the address that bounces go to.
func (r *relay) envelopeFrom() string {
	if r.bounceTo != "" {
		return r.bounceTo
	}
	return r.from.Address
}

// parseScheme reads how and on which port the server is spoken to.
func (r *relay) parseScheme(u *url.URL) error {
	switch u.Scheme {
	case "smtp":
		r.mode, r.port = startTLS, 587
	case "smtps":
		r.mode, r.port = implicitTLS, 465
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

// parseSender finds who the mail is from: the option, the URL's "from", or its user.
func (r *relay) parseSender(u *url.URL, option string) error {
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
		if _, problem := emailAddress(from.Address); problem != "" {
			return errors.New("the sender is not an e-mail address: write it like overdue@example.com")
		}
		r.from = &mail.Address{Name: cleanLine(from.Name), Address: asciiDomain(from.Address)}
		if !isASCII(r.from.Address) {
			return fmt.Errorf("the sender %s has non-ASCII letters before the @: servers that do not support SMTPUTF8 would bounce every mail. "+
				"Set --smtp-from to another address", r.from.Address)
		}
		return nil
	}
	return errors.New("there is no sender: set --smtp-from, or add ?from=overdue@example.com to the URL")
}
