package cli

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
	"syscall"

	"github.com/alecthomas/kong"

	"overdue/client"
	"overdue/internal/cli/settings"
)

// explainRequest rewrites the error of a request to the server in terms of the
// command line: flags, not members of the API; an address and a hint, not the
// words of package net.
func explainRequest(command *kong.Node, err error) error {
	if problem, ok := errors.AsType[*client.Problem](err); ok {
		return replaceText(err, problem.Error(), problemText(command, problem))
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		reason, _ := networkReason(failed.Err)
		return replaceText(err, callText(err, failed), "cannot reach "+addressOf(failed.URL)+": "+reason)
	}
	return err
}

// explainPing rewrites the error of a ping to a URL. An error that does not come from
// the network stays as it is.
func explainPing(pingURL string, err error) error {
	reason, known := networkReason(err)
	if _, rejected := errors.AsType[*client.Problem](err); rejected || !known {
		return err
	}
	return &explainedError{err, "cannot reach " + addressOf(pingURL) + ": " + reason}
}

// explainedError has another text than the error that it wraps.
type explainedError struct {
	error
	text string
}

func (e *explainedError) Error() string { return e.text }

func (e *explainedError) Unwrap() error { return e.error }

// replaceText replaces a part of an error's text.
func replaceText(err error, old, replacement string) error {
	text := strings.Replace(err.Error(), old, replacement, 1)
	return &explainedError{err, strings.ReplaceAll(text, " \n", "\n")} // "heartbeat: " before a line break
}

// problemText returns the faults of a request by the names of their flags, one per line
// if there are several.
func problemText(command *kong.Node, problem *client.Problem) string {
	if problem.Status == http.StatusUnauthorized {
		return fmt.Sprintf("the server rejected the API key: set $%s to a key of this server, or create one with overdue api-key create", settings.Variable("api-key"))
	}
	var parts []string
	for _, e := range problem.Errors {
		flag := flagOf(command, e.Location)
		if flag == "" {
			return problem.Error()
		}
		parts = append(parts, flag+": "+e.Message)
	}
	switch len(parts) {
	case 0:
		return problem.Error()
	case 1:
		return parts[0]
	}
	return "\n  " + strings.Join(parts, "\n  ")
}

// flagOf returns the flag for a place in a request, such as body.max_run_time or
// body.cron[1], or "" if the command has no such flag.
func flagOf(command *kong.Node, location string) string {
	_, member, _ := strings.Cut(location, ".")
	if key, isSetting := strings.CutPrefix(member, "settings."); isSetting {
		return "--set " + key
	}
	if step, isStep := strings.CutPrefix(member, "steps."); isStep {
		number, field, _ := strings.Cut(step, ".")
		if field == "repeat_every" {
			return "--repeat"
		}
		return "--step (number " + oneBased(number) + ")"
	}
	member, index, _ := strings.Cut(member, "[")
	for _, group := range command.AllFlags(true) {
		for _, flag := range group {
			name := flag.Tag.Get(memberTag)
			if name == "" {
				name = strings.ReplaceAll(flag.Name, "-", "_")
			}
			if name != member && !(member == "q" && flag.Name == "search") {
				continue
			}
			if index != "" && index != "0]" {
				return "--" + flag.Name + " (number " + oneBased(index) + ")"
			}
			return "--" + flag.Name
		}
	}
	return ""
}

// oneBased returns the index of a place such as "1]", counted from 1.
func oneBased(index string) string {
	n := 0
	_, _ = fmt.Sscanf(index, "%d", &n) // a server that writes no number counts as 0
	return fmt.Sprint(n + 1)
}

// callText returns the part of an error's text that describes a failed request.
func callText(err error, failed *url.Error) string {
	for _, prefix := range []string{"call: ", ""} {
		if strings.Contains(err.Error(), prefix+failed.Error()) {
			return prefix + failed.Error()
		}
	}
	return err.Error()
}

// addressOf returns scheme, host and port of a URL. The rest can contain the id of
// a heartbeat.
func addressOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "the server"
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)
}

// networkReason returns why a request got no response and what to check, and whether
// the reason is known.
func networkReason(err error) (reason string, known bool) {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name " + dns.Name + " does not exist; check its spelling", true
	case errors.As(err, &dns):
		return "the host name " + dns.Name + " could not be resolved; check the DNS of this machine", true
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused; check that the server is running and that the port is right", true
	case errors.Is(err, http.ErrSchemeMismatch):
		return "the server speaks HTTP, not HTTPS; write http://, or the address of the proxy that has the certificate", true
	case errors.As(err, &certificate):
		return "its certificate is not trusted: " + certificate.Err.Error() + "; check the host name and the certificates of this machine", true
	case errors.Is(err, context.Canceled):
		return "interrupted", true
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time; check the network, firewalls and the port", true
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "it closed the connection without an answer; check that it is the address of Overdue", true
	}
	return rootCause(err).Error() + "; check the address and the network", false
}

// rootCause returns the last error of a chain.
func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
