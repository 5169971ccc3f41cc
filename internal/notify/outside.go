package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// defaultHTTPTimeout bounds one attempt over HTTP, if the options name no bound.
const defaultHTTPTimeout = 30 * time.Second

// Options say where messages may go and through which mail server.
type Options struct {
	// AllowPrivate lets channels reach private, loopback and link-local
	// addresses, AllowNetworks only the named ones.
	AllowPrivate  bool
	AllowNetworks []netip.Prefix

	// SMTPURL is the mail server; see [NewSender] for its forms. Empty: e-mail
	// is refused with a sentence that says so.
	SMTPURL string
	// SMTPFrom is the sender, an address or "Name <address>". Empty: the "from"
	// of the URL, or else the URL's user where that is an address.
	SMTPFrom string
	// SMTPBounceTo is the envelope sender, the address that undeliverable mails are
	// returned to. Empty: the sender.
	SMTPBounceTo string
	// SMTPHelo is the name that EHLO gives. Empty: the host name if it has a dot,
	// else the host of PublicURL if that has one, else the address of the connection.
	SMTPHelo  string
	PublicURL string
	// SMTPCA is a file with certificates in PEM form of further authorities that may
	// have signed the certificate of the mail server.
	SMTPCA string

	// UserAgent is sent with every message. Empty: "Overdue".
	UserAgent string
	// HTTPTimeout bounds one whole attempt. 0: 30 seconds.
	HTTPTimeout time.Duration
	// Log receives errors of background work. Nil: nothing is logged.
	Log *slog.Logger
	// TLSConfig holds further authorities to trust. Verification cannot be
	// turned off by it. Nil: those of the system.
	TLSConfig *tls.Config
}

// Sender is the one door out. It is safe for concurrent use.
type Sender struct {
	http      *http.Client
	timeout   time.Duration
	userAgent string
	relay     *relay // nil: no mail server is configured
	mailer    *mailer
	log       *slog.Logger
}

// NewSender opens the door; it connects to nothing yet.
//
// The mail server is one of
//
//	smtp://user:password@mail.example.com:587    STARTTLS, required
//	smtps://user:password@mail.example.com:465   TLS from the first byte
//	smtp+insecure://localhost:25                 no TLS, no user
//
// and may name the sender: ?from=Overdue%20<overdue@example.com>. The ports
// shown are the defaults (RFC 8314). The server belongs to the operator, so the
// guard against private addresses does not apply to it. An error names what is
// wrong with the URL and never holds its password.
func NewSender(opts Options) (*Sender, error) {
	if opts.HTTPTimeout == 0 {
		opts.HTTPTimeout = defaultHTTPTimeout
	}
	if opts.UserAgent == "" {
		opts.UserAgent = "Overdue"
	}
	if opts.TLSConfig != nil {
		opts.TLSConfig = &tls.Config{RootCAs: opts.TLSConfig.RootCAs}
	}
	out := &Sender{
		http: httpClient(opts), timeout: opts.HTTPTimeout,
		userAgent: oneLine(opts.UserAgent),
		mailer:    newMailer(), log: opts.Log,
	}
	if out.log == nil {
		out.log = slog.New(slog.DiscardHandler)
	}
	if opts.SMTPURL == "" {
		return out, nil
	}
	relay, err := newRelay(opts)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	out.relay = relay
	return out, nil
}

// HasMailServer reports whether a mail server is configured.
func (o *Sender) HasMailServer() bool { return o.relay != nil }

// Close closes idle connections, and stops retrying mails that are not alerts.
// Attempts at alerts continue.
func (o *Sender) Close() {
	o.http.CloseIdleConnections()
	o.mailer.stop()
	o.mailer.attempts.Wait()
}

// Send makes one attempt to tell n through a channel of the given kind. The
// error is always a [*Refusal]. Settings that the kind would not accept are a
// final one: what lies in a row may be older than the rule.
func (o *Sender) Send(ctx context.Context, kind string, set Settings, n Notification) (Receipt, error) {
	k, known := KindOf(kind)
	if !known {
		return Receipt{}, &SendError{Reason: fmt.Sprintf("Overdue has no channels of kind %q.", kind), Permanent: true}
	}
	valid, problems := k.Validate(set)
	if len(problems) > 0 {
		var texts []string
		for _, p := range problems {
			texts = append(texts, p.Text)
		}
		return Receipt{}, &SendError{Reason: "The settings need a change: " + strings.Join(texts, " "), Permanent: true}
	}
	receipt, err := k.Send(ctx, o, valid, n)
	if refusal, ok := errors.AsType[*SendError](err); ok && refusal.Status == 0 && !refusal.Uncertain && ctx.Err() != nil {
		err, receipt = canceledError(ctx.Err()), Receipt{}
	}
	return receipt, err
}

// canceledError is the refusal for an attempt that the caller itself ended.
func canceledError(cause error) *SendError {
	text := "Overdue stopped before the answer came."
	if errors.Is(cause, context.DeadlineExceeded) {
		text = "The time for this attempt ran out."
	}
	return &SendError{Reason: text, cause: cause}
}

// httpClient returns the client of every channel that speaks HTTP. It knows no
// proxy: one from the environment would dial past the guard.
func httpClient(opts Options) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            newDialer(opts).DialContext,
			TLSClientConfig:        opts.TLSConfig,
			TLSHandshakeTimeout:    opts.HTTPTimeout,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns:           100,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: checkRedirect,
	}
}
