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

// Signal is what a ping says about its job.
type Signal string

// The signals. The zero value is a success.
const (
	Success Signal = "success"
	Start   Signal = "start" // the job began
	Fail    Signal = "fail"
	Log     Signal = "log" // kept, judges nothing
)

// BodyLimit is how many bytes of a ping's body the server keeps, unless its
// Ping-Body-Limit header says otherwise. It cuts the rest.
const BodyLimit = 100_000

// defaultAttemptTimeout is how long one attempt may take unless told otherwise.
const defaultAttemptTimeout = 10 * time.Second

// PingOptions says what to send with a ping. The zero value is a success
// without a body.
type PingOptions struct {
	Signal   Signal
	ExitCode *int   // 0–255; replaces Signal: 0 is a success, all else a failure
	RunID    string // a UUID that pairs a start with its finish
	Body     []byte

	AttemptTimeout time.Duration                       // longest time for one attempt; 0 means 10 s
	OnRetry        func(err error, rest time.Duration) // called before each rest; may be nil
	OnReduced      func(kept int, reason error)        // called if the ping was acknowledged with only the last kept bytes of Body; may be nil
	HTTP           *http.Client                        // nil: a client that follows no redirect which changes the method
	UserAgent      string
}

// Send sends one ping to a ping URL and returns nil only when the server has
// acknowledged it, which means stored.
//
// It tries again, with growing rests and no sooner than Retry-After asks, until
// ctx ends or ten attempts have failed. What cannot get better (an unknown
// heartbeat, a malformed request, an address that is not Overdue's) is not
// tried again. So a ping may arrive twice. Refusals are a [*Problem].
//
// The signal does not depend on the body. If an attempt fails in a way that the
// body can explain, Send repeats it with the last [ReducedBodySize] bytes, and then
// without a body. Attempts with a body use only their share of the remaining time,
// so that there is always time for the one without a body before ctx ends.
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

// address adds the signal and the run id to the ping URL.
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
	if o.RunID != "" {
		q := u.Query()
		q.Set("rid", o.RunID)
		u.RawQuery = q.Encode()
	}
	return u.String(), nil
}

// errNotOverdue is a 200 from something that is not this API: a login page of the
// network, a web site that answers every path. Believing it would be the
// silent miss that this product exists to prevent.
var errNotOverdue = errors.New(`the answer was 200 but not the "OK" of an acknowledged ping; is this the ping URL?`)

// attempt sends the ping once. It is always a POST: heartbeats may be set to
// count nothing else.
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

// setHeaders sets the headers. The type lets the server show text as text.
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

// httpClient follows no redirect that would turn the POST into a GET: a heartbeat
// that counts only POST would log it as ignored, and answer 200.
func (o PingOptions) httpClient() *http.Client {
	if o.HTTP != nil {
		return o.HTTP
	}
	return &http.Client{CheckRedirect: keepMethod}
}

// connectionError is the error of an attempt that got no complete answer.
type connectionError struct {
	err       error
	connected bool // the server or a proxy had accepted the connection
	timeout   bool
}

func (e *connectionError) Error() string { return "the server could not be reached: " + e.err.Error() }

func (e *connectionError) Unwrap() error { return e.err }

// newConnectionError drops the method and URL that net/http puts before the reason: a
// ping URL is a capability and does not belong in a cron mail.
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
