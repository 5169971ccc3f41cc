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

	"overdue/internal/notify/message"
	"overdue/internal/notify/setting"
)

// defaultHTTPTimeout is the default timeout of one attempt over HTTP.
const defaultHTTPTimeout = 30 * time.Second

// maxIdleConnections is the maximum number of idle connections to all hosts.
const maxIdleConnections = 256

// idleTimeout is the time after which an idle connection is closed. Many servers close
// theirs after 5 seconds, and a request that arrives at that moment fails.
const idleTimeout = 4 * time.Second

// Options configure the allowed destinations and the mail server.
type Options struct {
	// AllowPrivate allows channels to reach private, loopback and link-local
	// addresses. AllowNetworks allows only the given networks.
	AllowPrivate  bool
	AllowNetworks []netip.Prefix

	// SMTPURL is the mail server; see [NewSender] for its forms. Empty: sending
	// email fails.
	SMTPURL string
	// SMTPFrom is the sender, an address or "Name <address>". Default: the
	// "from" parameter of the URL, or its user if that is an address.
	SMTPFrom string
	// SMTPBounceTo is the envelope sender, which receives bounces. Default: the
	// sender.
	SMTPBounceTo string
	// SMTPHelo is the name for EHLO. Default: the host name if it has a dot,
	// otherwise the host of PublicURL if that has a dot, otherwise the address of the
	// connection.
	SMTPHelo  string
	PublicURL string
	// SMTPCA is a PEM file with additional certificate authorities for the mail
	// server.
	SMTPCA string

	// ExecDir is the folder with the programs that channels can run. Empty: none.
	ExecDir string

	// UserAgent is sent with every message. Default: "Overdue".
	UserAgent string
	// HTTPTimeout limits one attempt. Default: 30 seconds.
	HTTPTimeout time.Duration
	// Log receives errors of background work. Nil: nothing is logged.
	Log *slog.Logger
	// TLSConfig adds certificate authorities. It cannot disable verification.
	// Nil: the authorities of the system.
	TLSConfig *tls.Config
}

// Sender sends notifications and mails. It is safe for concurrent use.
type Sender struct {
	http      *http.Client
	timeout   time.Duration
	userAgent string
	execDir   string
	relay     *relay // nil: no mail server is configured
	mailer    *mailer
	log       *slog.Logger
}

// NewSender returns a Sender. It opens no connection yet.
//
// The mail server is one of
//
//	smtp://user:password@mail.example.com:587    STARTTLS, required
//	smtps://user:password@mail.example.com:465   TLS from the first byte
//	smtp+insecure://localhost:25                 no TLS, no user
//
// with an optional sender: ?from=Overdue%20<overdue@example.com>. The ports
// shown are the defaults (RFC 8314). The address guard does not apply to the
// mail server, because the operator sets it. Errors never contain the password
// of the URL.
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
		userAgent: message.OneLine(opts.UserAgent),
		mailer:    newMailer(), log: opts.Log, execDir: opts.ExecDir,
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
// error is always a [*SendError]. Settings that the kind would not accept are a
// final one: what lies in a row may be older than the rule.
func (o *Sender) Send(ctx context.Context, kind string, set setting.Values, n message.Notification) (Receipt, error) {
	k, valid, err := validKind(kind, set)
	if err != nil {
		return Receipt{}, err
	}
	receipt, err := k.Send(ctx, o, valid, n)
	return withCancellation(ctx, receipt, err)
}

// Resend sends open incidents again through a channel of a kind with [Kind.ResendEvery]. The error is always a
// [*SendError].
func (o *Sender) Resend(ctx context.Context, kind string, set setting.Values, all []message.Notification, now time.Time) (Receipt, error) {
	k, valid, err := validKind(kind, set)
	if err != nil {
		return Receipt{}, err
	}
	if k.Resend == nil {
		return Receipt{}, &SendError{Reason: "Channels of this kind need no repetition.", Permanent: true}
	}
	receipt, err := k.Resend(ctx, o, valid, all, now)
	return withCancellation(ctx, receipt, err)
}

// validKind returns a kind and the normalized settings of its channel.
func validKind(kind string, set setting.Values) (Kind, setting.Values, error) {
	k, known := KindOf(kind)
	if !known {
		return Kind{}, nil, &SendError{Reason: fmt.Sprintf("Unknown kind of channel %q.", kind), Permanent: true}
	}
	valid, problems := k.Validate(set)
	if len(problems) > 0 {
		var texts []string
		for _, p := range problems {
			texts = append(texts, p.Text)
		}
		return Kind{}, nil, &SendError{Reason: "The settings of the channel are invalid: " + strings.Join(texts, " "), Permanent: true}
	}
	return k, valid, nil
}

// withCancellation returns the result of an attempt, whose context may have ended.
func withCancellation(ctx context.Context, receipt Receipt, err error) (Receipt, error) {
	if failure, ok := errors.AsType[*SendError](err); ok && failure.Status == 0 && !failure.Uncertain && ctx.Err() != nil {
		err, receipt = canceledError(ctx.Err()), Receipt{}
	}
	return receipt, err
}

// canceledError is the error of an attempt whose context ended.
func canceledError(cause error) *SendError {
	text := "Overdue stopped before there was a response."
	if errors.Is(cause, context.DeadlineExceeded) {
		text = "The attempt timed out."
	}
	return &SendError{Reason: text, cause: cause}
}

// httpClient returns the HTTP client of all channels. It uses no proxy, because
// a proxy from the environment would bypass the address guard.
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
			// All connections of a channel stay open between the alerts of a backlog. There
			// is no limit per host: a channel that hangs would delay others on its host.
			MaxIdleConnsPerHost: maxWebhookConcurrency,
			MaxIdleConns:        maxIdleConnections,
			IdleConnTimeout:     idleTimeout,
		},
		CheckRedirect: checkRedirect,
	}
}

// Receipt is the response of a provider that accepted the message.
type Receipt struct {
	// Status is the status code of the provider: HTTP, or SMTP for email.
	Status int
	// Detail is the start of its response, in one line without secrets.
	Detail string
	// Recipients are the results per recipient, nil for a kind without recipients.
	Recipients []RecipientResult
	// Thread identifies the message at the service: later notifications about the same
	// incident have it in their Thread.
	Thread string
	// Settings are members of the settings that the service changed, such as the new id
	// of a chat. The channel must be updated.
	Settings setting.Values
}

// SendError describes why a message was not delivered. It is the only error of Send.
type SendError struct {
	// Status is the status code of the provider, 0 if there was no response.
	Status int
	// Reason is the start of the response or, without one, a sentence that
	// explains the error. It contains no secrets.
	Reason string
	// Permanent means that a retry cannot succeed until a person changes something.
	Permanent bool
	// RetryAfter is the minimum delay before the next attempt that the provider
	// asked for, at most a day. 0: none.
	RetryAfter time.Duration
	// Uncertain means that the message may have been delivered: the connection
	// ended after the message and before the response.
	Uncertain bool
	// Recipients are the results per recipient, nil if the error concerns the
	// whole channel.
	Recipients []RecipientResult

	// cause is set if the context of the caller ended, to distinguish a stop
	// from an error of the provider.
	cause error
}

// Error returns the error in one line.
func (r *SendError) Error() string {
	switch {
	case r.Status == 0:
		return "not delivered: " + r.Reason
	case r.Reason == "":
		return fmt.Sprintf("rejected with status %d", r.Status)
	}
	return fmt.Sprintf("rejected with status %d: %s", r.Status, r.Reason)
}

// Unwrap returns the error of the caller's context, if it ended the attempt.
func (r *SendError) Unwrap() error { return r.cause }
