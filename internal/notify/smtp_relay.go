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

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// defaultSMTPTimeouts are the timeouts of the steps, see [smtpTimeouts].
var defaultSMTPTimeouts = smtpTimeouts{
	step: 30 * time.Second, body: time.Minute, final: 5 * time.Minute, beforeData: 90 * time.Second, quit: time.Second,
}

// EmailTimeout limits one attempt to send an email, from the connection to the
// reply after the final dot.
const EmailTimeout = 7 * time.Minute

// relay is the mail server of the operator.
type relay struct {
	host     string
	port     int
	mode     tlsMode
	user     *url.Userinfo // nil: no authentication
	from     *mail.Address
	bounceTo string // envelope sender; empty: from
	helo     string // name for EHLO; empty: the address of the connection
	tls      *tls.Config
	timeout  time.Duration // of one whole attempt
	times    smtpTimeouts
	hide     redactor
	// connect opens the connection; tests replace it.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
}

// tlsMode is how the connection to the mail server is encrypted.
type tlsMode int

const (
	startTLS    tlsMode = iota // STARTTLS, required
	implicitTLS                // TLS from the first byte
	noTLS                      // no encryption, on request of the operator
)

// newRelay returns the mail server of a URL. Errors do not contain the URL,
// which holds the password.
func newRelay(opts Options) (*relay, error) {
	u, err := url.Parse(opts.SMTPURL)
	if err != nil {
		return nil, errors.New("invalid URL: set smtp://user:password@host:587, with special characters of the password percent-encoded")
	}
	r := &relay{host: u.Hostname(), user: u.User, timeout: EmailTimeout, times: defaultSMTPTimeouts, connect: (&net.Dialer{}).DialContext}
	if err := r.parseScheme(u); err != nil {
		return nil, err
	}
	if r.host == "" || u.Opaque != "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("invalid URL: set a host without a path, such as smtp://mail.example.com:587")
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
		// The second is the form of AUTH PLAIN, which servers may echo.
		r.hide = newRedactor(password, "\x00"+u.User.Username()+"\x00"+password)
	}
	return r, nil
}

// tlsConfig returns the TLS settings with the authorities of the system, of the
// options and of the operator's file.
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

// parseBounceTo parses the envelope sender.
func parseBounceTo(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	normal, problem := emailAddress(text)
	if problem != "" {
		return "", errors.New("smtp-bounce-to is not an email address: set it like bounces@example.com")
	}
	normal = asciiDomain(normal)
	if !isASCII(normal) {
		return "", fmt.Errorf("smtp-bounce-to: %s has non-ASCII letters before the @, which most mail servers do not accept: use another address", normal)
	}
	return normal, nil
}

// envelopeFrom returns the envelope sender.
func (r *relay) envelopeFrom() string {
	if r.bounceTo != "" {
		return r.bounceTo
	}
	return r.from.Address
}

// parseScheme parses the TLS mode and the port.
func (r *relay) parseScheme(u *url.URL) error {
	switch u.Scheme {
	case "smtp":
		r.mode, r.port = startTLS, 587
	case "smtps":
		r.mode, r.port = implicitTLS, 465
	case "smtp+insecure":
		r.mode, r.port = noTLS, 25
		if u.User != nil {
			return errors.New("smtp+insecure:// would send the password unencrypted: use smtp:// or smtps://")
		}
	default:
		return errors.New("the URL must start with smtp://, smtps:// or smtp+insecure://")
	}
	if u.Port() == "" {
		return nil
	}
	if !setting.ValidPort(u.Port()) {
		return errors.New("the port must be a number from 1 to 65535")
	}
	r.port, _ = strconv.Atoi(u.Port()) // checked by validPort
	return nil
}

// parseSender determines the sender: the option, the "from" parameter of the URL, or
// its user.
func (r *relay) parseSender(u *url.URL, option string) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("invalid parameters of the URL: set ?from=overdue@example.com")
	}
	for name := range query {
		if name != "from" {
			return fmt.Errorf("unknown parameter %q of the URL: the only parameter is from", name)
		}
	}
	for _, text := range []string{option, query.Get("from"), u.User.Username()} {
		if text == "" {
			continue
		}
		from, err := mail.ParseAddress(text)
		if err != nil && text == u.User.Username() {
			break // a user name that is not an address is no sender
		}
		if err != nil {
			return errors.New("the sender is not an email address: set it like overdue@example.com")
		}
		if _, problem := emailAddress(from.Address); problem != "" {
			return errors.New("the sender is not an email address: set it like overdue@example.com")
		}
		r.from = &mail.Address{Name: message.CleanLine(from.Name), Address: asciiDomain(from.Address)}
		if !isASCII(r.from.Address) {
			return fmt.Errorf("the sender %s has non-ASCII letters before the @: servers that do not support SMTPUTF8 would bounce every mail. "+
				"Set --smtp-from to another address", r.from.Address)
		}
		return nil
	}
	return errors.New("there is no sender: set --smtp-from, or add ?from=overdue@example.com to the URL")
}
