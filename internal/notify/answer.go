package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects bounds how often one attempt is sent on.
const maxRedirects = 3

// readResponse returns the start of the body, and whether there was more. An
// answer that breaks off counts as far as it came: the status line has been
// heard, and it alone decides.
func readResponse(resp *http.Response) (text string, cut bool) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseRead+1))
	if len(raw) > maxResponseRead {
		return string(raw[:maxResponseRead]), true
	}
	return string(raw), err != nil
}

// checkRedirect decides whether a POST follows a redirect: only where the message
// stays a POST (307 and 308, RFC 9110 section 15.4) and on the very host that
// the settings name. Elsewhere the body and the headers would reach somebody
// they were not meant for.
func checkRedirect(req *http.Request, via []*http.Request) error {
	status := req.Response.StatusCode
	from, to := via[0].URL, req.URL
	switch {
	case len(via) > maxRedirects:
		return redirectError(status, fmt.Sprintf("It redirects more than %d times.", maxRedirects))
	case status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect:
		return redirectError(status, "It redirects in a way that drops the message.")
	case !strings.EqualFold(from.Host, to.Host) || from.Scheme != to.Scheme:
		return redirectError(status, "It redirects to another host or scheme.")
	}
	return nil
}

// redirectError is the final refusal of a redirect. It does not show the new address:
// that may hold a credential as well as the old one.
func redirectError(status int, why string) *SendError {
	return &SendError{Status: status, Reason: why + " Set the URL to the final address.", Permanent: true}
}

// requestError turns the error of a request into a refusal. The error's own text
// is used only where it cannot hold the URL.
func (o *Sender) requestError(u *url.URL, hide redactor, err error) *SendError {
	if refusal, ok := errors.AsType[*SendError](err); ok {
		return refusal
	}
	if isGuardError(err) {
		return &SendError{Reason: guardedAddressText, Permanent: true}
	}
	return &SendError{Reason: hide.answer(o.explainHTTPError(u.Hostname(), err), false)}
}

// explainHTTPError says in a sentence why there was no answer from host.
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
	return fmt.Sprintf("The connection to %s broke off: %v.", host, err)
}

// timedOut reports whether err is the end of the attempt's time.
func timedOut(err error) bool {
	netErr, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && netErr.Timeout()
}

// rootCause returns the error at the end of the chain: the system's own word,
// such as "connection refused", without the addresses around it.
func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
