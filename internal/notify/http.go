package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Pinger pings other monitoring services. The operator sets their URLs, so unlike
// channels it reaches private addresses.
type Pinger struct{ sender *Sender }

// NewPinger returns a Pinger with the certificate authorities and the user agent of opts.
func NewPinger(opts Options) (*Pinger, error) {
	opts.AllowPrivate, opts.SMTPURL, opts.HTTPTimeout = true, "", pingTimeout
	sender, err := NewSender(opts)
	if err != nil {
		return nil, err
	}
	return &Pinger{sender}, nil
}

// pingTimeout is the timeout of one request of a Pinger.
const pingTimeout = 8 * time.Second

// Close closes idle connections.
func (p *Pinger) Close() { p.sender.Close() }

// Ping sends one POST without a body. If the service rejects the method, it sends a GET.
// The error is a *SendError without the path of the URL, which allows anyone to ping.
func (p *Pinger) Ping(ctx context.Context, target string) error {
	status, err := p.request(ctx, http.MethodPost, target)
	if err == nil && (status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented || status == http.StatusNotFound) {
		if again, failed := p.request(ctx, http.MethodGet, target); failed == nil {
			status = again
		}
	}
	if err == nil && (status < 200 || status > 299) {
		err = &SendError{Status: status, Reason: http.StatusText(status)}
	}
	return err
}

// request sends one request and returns the status of the response.
func (p *Pinger) request(ctx context.Context, method, target string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return 0, &SendError{Reason: "The URL is invalid."}
	}
	req.Header.Set("User-Agent", p.sender.userAgent)
	resp, err := p.sender.http.Do(req)
	if err != nil {
		return 0, p.sender.requestError(req.URL, newRedactor(urlSecrets(req.URL)...), err)
	}
	_, _ = readResponse(resp) // so that the connection can be used again
	return resp.StatusCode, resp.Body.Close()
}

// maxRedirects is the maximum number of redirects of one attempt.
const maxRedirects = 3

// readResponse returns the start of the body, and whether there was more. An
// error while reading the body is ignored, because the status decides.
func readResponse(resp *http.Response) (text string, cut bool) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseRead+1))
	if len(raw) > maxResponseRead {
		return string(raw[:maxResponseRead]), true
	}
	return string(raw), err != nil
}

// checkRedirect follows a redirect only if the request stays a POST (307 and 308,
// RFC 9110, section 15.4) and the host stays the same. Otherwise the body and the
// headers would be sent to a host that the settings do not name.
func checkRedirect(req *http.Request, via []*http.Request) error {
	status := req.Response.StatusCode
	from, to := via[0].URL, req.URL
	switch {
	case len(via) > maxRedirects:
		return redirectError(status, fmt.Sprintf("The server redirects more than %d times.", maxRedirects))
	case status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect:
		return redirectError(status, "The server redirects with a status that drops the body.")
	case !strings.EqualFold(from.Host, to.Host) || from.Scheme != to.Scheme:
		return redirectError(status, "The server redirects to another host or scheme.")
	}
	return nil
}

// redirectError returns the permanent error of a redirect. It does not contain the
// new URL, which may hold a credential.
func redirectError(status int, why string) *SendError {
	return &SendError{Status: status, Reason: why + " Set the URL to the final address.", Permanent: true}
}

// requestError converts the error of a request. It uses the text of the error
// only if that cannot contain the URL.
func (o *Sender) requestError(u *url.URL, hide redactor, err error) *SendError {
	if failure, ok := errors.AsType[*SendError](err); ok {
		return failure
	}
	if isGuardError(err) {
		return &SendError{Reason: guardedAddressText, Permanent: true}
	}
	return &SendError{Reason: hide.cleanResponse(o.explainHTTPError(u.Hostname(), err), false)}
}

// explainHTTPError explains in one sentence why there was no response from host.
func (o *Sender) explainHTTPError(host string, err error) string {
	if timedOut(err) {
		return fmt.Sprintf("No answer from %s within %.0f s.", host, o.timeout.Seconds())
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return fmt.Sprintf("The name %s does not exist.", host)
		}
		return fmt.Sprintf("The name %s could not be resolved.", host)
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("The certificate of %s is not trusted: %v.", host, cert.Err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Sprintf("No connection to %s: %v.", host, rootCause(op))
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return fmt.Sprintf("The connection to %s was lost: %v.", host, err)
}

// timedOut reports whether err is a timeout.
func timedOut(err error) bool {
	netErr, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && netErr.Timeout()
}

// rootCause returns the error at the end of the chain, such as "connection
// refused" without the addresses.
func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// guardedAddressText is the error for an address that is not allowed.
const guardedAddressText = "The address is private, local or reserved, and not allowed. " +
	"An operator can allow it with --allow-private-networks or --allow-networks."

// addressGuard returns the check of every outgoing connection of a channel. It
// checks the address that is dialed, after name resolution, which prevents DNS
// rebinding.
//
// It returns nil if the operator allows private networks.
func addressGuard(opts Options) func(network, address string, c syscall.RawConn) error {
	if opts.AllowPrivate {
		return nil
	}
	var v4, v6 []netip.Prefix
	for _, prefix := range opts.AllowNetworks {
		if prefix.Addr().Is4() {
			v4 = append(v4, prefix.Masked())
		} else {
			v6 = append(v6, prefix.Masked())
		}
	}
	return ssrf.New(
		ssrf.WithAnyPort(),
		ssrf.WithAllowedV4Prefixes(v4...),
		ssrf.WithAllowedV6Prefixes(v6...),
	).Safe
}

// isGuardError reports whether err comes from the address guard.
func isGuardError(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) ||
		errors.Is(err, ssrf.ErrInvalidHostPort)
}

// newDialer returns the dialer of all channels except email.
func newDialer(opts Options) *net.Dialer {
	return &net.Dialer{Timeout: opts.HTTPTimeout, Control: addressGuard(opts)}
}
