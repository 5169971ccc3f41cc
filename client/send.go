package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Signal is the message of a ping.
type Signal string

// The signals. The zero value is a success.
const (
	Success Signal = "success"
	Start   Signal = "start" // the job started
	Fail    Signal = "fail"
	Log     Signal = "log" // stored in the log without an effect on the status
)

// BodyLimit is the maximum number of bytes of a body that the server stores, unless its
// Ping-Body-Limit header says otherwise. It cuts the rest.
const BodyLimit = 100_000

// defaultAttemptTimeout is the default timeout of one attempt.
const defaultAttemptTimeout = 10 * time.Second

// PingOptions describes a ping. The zero value is a success without a body.
type PingOptions struct {
	Signal   Signal
	ExitCode *int   // 0 to 255; replaces Signal: 0 is a success, any other value a failure
	RunID    string // pairs a start with its finish
	Host     string // host of the run; empty: the server uses the address of the client
	Body     []byte

	AttemptTimeout time.Duration                       // timeout of one attempt; 0 means 10 s
	OnRetry        func(err error, rest time.Duration) // called before each wait; may be nil
	OnReduced      func(kept int, reason error)        // called if the ping was acknowledged with only the last kept bytes of Body; may be nil
	HTTP           *http.Client                        // nil: a client that rejects redirects that change the method
	UserAgent      string
}

// Send sends a ping to a ping URL. It returns nil only if the server has acknowledged the
// ping, which means that it is stored.
//
// Send retries with growing waits, and no sooner than Retry-After requires, until ctx ends
// or ten attempts have failed. It does not retry permanent errors: an unknown heartbeat, an
// invalid request, an address that is not the one of Overdue. A ping may arrive twice. An
// error response is a [*Problem].
//
// The signal does not depend on the body. If the body may have caused a failure, Send
// repeats the attempt with the last [ReducedBodySize] bytes, and then without a body.
// Attempts with a body use only their share of the remaining time, so there is always time
// for the one without a body before ctx ends.
func Send(ctx context.Context, pingURL string, o PingOptions) error {
	address, err := o.address(pingURL)
	if err != nil {
		return err
	}
	p := newPayload(o.Body)
	for n := 1; ; n++ {
		err := o.attempt(ctx, address, p)
		if err == nil {
			p.reportReduced(o.OnReduced)
			return nil
		}
		if ctx.Err() == nil && p.reduce(err) {
			n--
			continue
		}
		rest, again := backoff(err, n)
		if !again || n == maxAttempts || !leavesTime(ctx, rest) {
			return err
		}
		if o.OnRetry != nil {
			o.OnRetry(err, rest)
		}
		if !sleep(ctx, rest) {
			return err
		}
	}
}

// address adds the signal, the run id and the host to the ping URL.
func (o PingOptions) address(pingURL string) (string, error) {
	u, err := url.Parse(pingURL)
	if err != nil {
		return "", fmt.Errorf("ping URL: %w", err)
	}
	if err := checkBase(u.Scheme + "://" + u.Host); err != nil {
		return "", err
	}
	switch {
	case o.ExitCode != nil && (*o.ExitCode < 0 || *o.ExitCode > 255):
		return "", fmt.Errorf("exit code %d: must be 0 to 255", *o.ExitCode)
	case o.ExitCode != nil:
		u = u.JoinPath(strconv.Itoa(*o.ExitCode))
	case o.Signal == Start || o.Signal == Fail || o.Signal == Log:
		u = u.JoinPath(string(o.Signal))
	case o.Signal != Success && o.Signal != "":
		return "", fmt.Errorf("signal %q: must be success, start, fail or log", o.Signal)
	}
	if o.RunID != "" || o.Host != "" {
		q := u.Query()
		setNonEmpty(q, "rid", o.RunID)
		setNonEmpty(q, "host", o.Host)
		u.RawQuery = q.Encode()
	}
	return u.String(), nil
}

// errNotOverdue is a 200 from another server: the login page of a network, or a web site
// that answers every path. Accepting it would cause a silent miss.
var errNotOverdue = errors.New(`the response was 200 without the "OK" of a stored ping: check that this is the ping URL`)

// attempt sends the ping once. It always uses POST, because a heartbeat may ignore other
// methods.
func (o PingOptions) attempt(ctx context.Context, address string, p *payload) error {
	longest := p.timeout(ctx, cmp.Or(max(o.AttemptTimeout, 0), defaultAttemptTimeout))
	ctx, cancel := context.WithTimeoutCause(ctx, longest, fmt.Errorf("no answer within %s", longest.Round(time.Millisecond)))
	defer cancel()
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, address, bytes.NewReader(p.body()))
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	o.setHeaders(req, p.body())
	resp, err := o.httpClient().Do(req)
	if err != nil {
		return newConnectionError(ctx, err, connected.Load())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil {
		return newConnectionError(ctx, err, true)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return readProblem(resp, body)
	case strings.TrimSpace(string(body)) != "OK":
		return errNotOverdue
	}
	return nil
}

// setHeaders sets the headers of a ping. The content type lets the server show text as
// text.
func (o PingOptions) setHeaders(req *http.Request, body []byte) {
	req.Header.Set("User-Agent", "overdue-client")
	if o.UserAgent != "" {
		req.Header.Set("User-Agent", o.UserAgent)
	}
	switch {
	case len(body) == 0:
	case utf8.Valid(body):
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	default:
		req.Header.Set("Content-Type", "application/octet-stream")
	}
}

// httpClient returns a client that does not follow a redirect from POST to GET: a heartbeat
// that counts only POST would log the ping as ignored, and answer 200.
func (o PingOptions) httpClient() *http.Client {
	if o.HTTP != nil {
		return o.HTTP
	}
	return &http.Client{CheckRedirect: keepMethod}
}

// connectionError is the error of an attempt without a complete response.
type connectionError struct {
	err       error
	connected bool // the server or a proxy had accepted the connection
	timeout   bool
}

func (e *connectionError) Error() string { return "the server could not be reached: " + e.err.Error() }

func (e *connectionError) Unwrap() error { return e.err }

// newConnectionError removes the method and the URL that net/http puts before the cause: a
// ping URL is a secret and does not belong in a cron mail.
func newConnectionError(ctx context.Context, err error, connected bool) error {
	timeout := errors.Is(ctx.Err(), context.DeadlineExceeded)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	return &connectionError{err: err, connected: connected, timeout: timeout}
}
