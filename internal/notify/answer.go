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

// mostRedirects bounds how often one attempt is sent on.
const mostRedirects = 3

// readAnswer returns the start of the body, and whether there was more. An
// answer that breaks off counts as far as it came: the status line has been
// heard, and it alone decides.
func readAnswer(resp *http.Response) (text string, cut bool) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if len(raw) > mostAnswer {
		return string(raw[:mostAnswer]), true
	}
	return string(raw), err != nil
}

// redirect decides whether a POST follows a redirect: only where the message
// stays a POST (307 and 308, RFC 9110 section 15.4) and on the very host that
// the settings name. Elsewhere the body and the headers would reach somebody
// they were not meant for.
func redirect(req *http.Request, via []*http.Request) error {
	status := req.Response.StatusCode
	from, to := via[0].URL, req.URL
	switch {
	case len(via) > mostRedirects:
		return moved(status, fmt.Sprintf("It redirects more than %d times.", mostRedirects))
	case status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect:
		return moved(status, "It redirects in a way that drops the message.")
	case !strings.EqualFold(from.Host, to.Host) || from.Scheme != to.Scheme:
		return moved(status, "It redirects to another host or scheme.")
	}
	return nil
}

// moved is the final refusal of a redirect. It does not show the new address:
// that may hold a credential as well as the old one.
func moved(status int, why string) *Refusal {
	return &Refusal{Status: status, Body: why + " Set the URL to the final address.", Final: true}
}

// unanswered turns the error of a request into a refusal. The error's own text
// is used only where it cannot hold the URL.
func (o *Outside) unanswered(u *url.URL, hide redactor, err error) *Refusal {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal
	}
	if guarded(err) {
		return &Refusal{Body: refusedAddress, Final: true}
	}
	return &Refusal{Body: hide.answer(o.explain(u.Hostname(), err), false)}
}

// explain says in a sentence why there was no answer from host.
func (o *Outside) explain(host string, err error) string {
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
		return fmt.Sprintf("No connection to %s: %v.", host, innermost(op))
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

// innermost returns the error at the end of the chain: the system's own word,
// such as "connection refused", without the addresses around it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
