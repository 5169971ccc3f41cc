package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"overdue/internal/notify/message"
)

// errNoSTARTTLS means that the server does not support encryption.
var errNoSTARTTLS = errors.New("no STARTTLS")

// noMechanismError means that the server offers no supported AUTH mechanism.
type noMechanismError struct{ offered []string }

// Error returns the reason for the log.
func (e *noMechanismError) Error() string { return "no known AUTH mechanism" }

// uncertainRetryDelay is the delay before a retry of a message that the server
// may have accepted. A server that needs minutes for each message would otherwise
// get many copies.
const uncertainRetryDelay = 10 * time.Minute

// sendError returns the error of a whole session. It is never permanent: the operator
// can correct the cause within the 24 hours of retries.
func (s *smtpSession) sendError(err error) *SendError {
	if code, text, ok := smtpAnswer(err); ok {
		return &SendError{Status: code, Reason: s.relay.hide.cleanResponse(text, false)}
	}
	return &SendError{Reason: message.Shorten(s.explain(err), message.MaxDetail)}
}

// explain explains in one sentence why the session ended without a reply.
func (s *smtpSession) explain(err error) string {
	host := s.relay.host
	var dns *net.DNSError
	var op *net.OpError
	var mechanism *noMechanismError
	switch {
	case errors.Is(err, errNoSTARTTLS):
		return "The mail server does not offer STARTTLS: use smtps://, or smtp+insecure:// if it runs on this machine."
	case errors.As(err, &mechanism):
		return mechanism.explain()
	case timedOut(err), errors.Is(err, net.ErrClosed):
		return fmt.Sprintf("No answer from the mail server within %.0f s (waiting for %s).", s.limit.Seconds(), s.step)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("The name %s does not exist: check --smtp-url.", host)
	case errors.As(err, &dns):
		return fmt.Sprintf("The name %s could not be resolved.", host)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Sprintf("The mail server could not be used: %v.", rootCause(op))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Sprintf("The mail server closed the connection (waiting for %s).", s.step)
	}
	if text := s.explainTLS(err); text != "" {
		return text
	}
	return "The mail server could not be used: " + s.relay.hide.cleanResponse(rootCause(err).Error(), false) + "."
}

// explain returns a sentence with the mechanisms that the server offers.
func (e *noMechanismError) explain() string {
	if len(e.offered) == 0 {
		return "The mail server does not offer sign-in (AUTH): remove the user from --smtp-url, or use the port for submission, 587 or 465."
	}
	return fmt.Sprintf("The mail server offers only %s for sign-in. Overdue supports %s.",
		message.Shorten(message.OneLine(strings.Join(e.offered, ", ")), 100), strings.Join(authMechanisms, ", "))
}

// explainTLS returns a sentence that says why TLS failed, or "".
func (s *smtpSession) explainTLS(err error) string {
	host := s.relay.host
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("The certificate of %s is not signed by an authority that this machine trusts: "+
			"set --smtp-ca to the file with the certificate of your authority.", host)
	case errors.As(err, &name):
		return fmt.Sprintf("The certificate of %s is for other names (%s): use one of them in --smtp-url.", host, certificateNames(name.Certificate))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("The certificate of %s has expired or is not valid yet.", host)
	case errors.As(err, &plain):
		return fmt.Sprintf("%s does not use TLS from the first byte on port %d: use smtp:// for STARTTLS.", host, s.relay.port)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return fmt.Sprintf("%s ended the encryption with %q: see the log of the mail server.", host, strings.TrimPrefix(op.Err.Error(), "tls: "))
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("The certificate of %s is not trusted: %s.", host, message.Shorten(message.OneLine(cert.Err.Error()), 200))
	}
	return ""
}

// certificateNames returns the names in a certificate.
func certificateNames(cert *x509.Certificate) string {
	list := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		list = append(list, ip.String())
	}
	if len(list) == 0 {
		return "none"
	}
	return message.Shorten(message.OneLine(strings.Join(list, ", ")), 100)
}

// uncertainError is the error if there was no reply to the final dot. The server
// may have accepted the message.
func (s *smtpSession) uncertainError(err error) *SendError {
	why := "closed the connection without an answer"
	if timedOut(err) || errors.Is(err, net.ErrClosed) {
		why = fmt.Sprintf("did not answer within %.0f s", time.Since(s.finalDotAt).Seconds())
	}
	return &SendError{
		Reason:     fmt.Sprintf("The mail server received the whole message and %s: it may have been delivered.", why),
		RetryAfter: uncertainRetryDelay, Uncertain: true,
	}
}

// smtpAnswer returns the reply of the server in err, if there is one.
func smtpAnswer(err error) (code int, text string, ok bool) {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return 0, "", false
	}
	return reply.Code, reply.Msg, true
}

// enhancedCode matches the enhanced status code at the start of a reply (RFC 3463).
var enhancedCode = regexp.MustCompile(`^([245])\.(\d{1,3}\.\d{1,3})\b`)

// badMailbox are the enhanced codes, without their class, that only concern the
// mailbox (RFC 3463, section 3.2, and RFC 7505): it does not exist, its domain does
// not exist, its address is invalid, it has moved, its domain accepts no mail.
var badMailbox = []string{"1.1", "1.2", "1.3", "1.6", "1.10"}

// notAboutMailbox matches replies without an enhanced code that do not concern the
// existence of the mailbox, such as "550 relay not permitted" of Exim.
var notAboutMailbox = regexp.MustCompile(`(?i)relay|\bauth|helo|ehlo|sender|client|reverse|blocked|listed?\b|blacklist|blocklist|` +
	`denied|permitted|policy|spam|\btls\b|\bspf\b|\bdkim\b|\bdmarc\b|too many|quota|\bfull\b`)

// isPermanentReply reports whether a reply means that this recipient can never receive
// the message. The command does not matter, because servers reject a greeting or a sender
// only at the first recipient. Errors that an operator of either side can correct are
// retried.
func isPermanentReply(code int, text string) bool {
	if m := enhancedCode.FindStringSubmatch(text); m != nil {
		return code >= 500 && m[1] == "5" && slices.Contains(badMailbox, m[2])
	}
	// 551 names another address, 553 says that this one is not allowed.
	return slices.Contains([]int{550, 551, 553}, code) && !notAboutMailbox.MatchString(text)
}

// sessionEnds reports whether a reply announces the end of the session (RFC 5321,
// section 3.8).
func sessionEnds(code int) bool { return code == 421 }

// sizeLimit parses the parameter of the SIZE extension (RFC 1870). 0 means no limit.
func sizeLimit(parameter string) int64 {
	limit, err := strconv.ParseInt(strings.TrimSpace(parameter), 10, 64)
	if err != nil {
		return 0
	}
	return limit
}
