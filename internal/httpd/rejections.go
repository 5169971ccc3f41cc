package httpd

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Reason is why a request or a connection was rejected. It is the label of a
// metric, so [Reasons] lists all values.
type Reason string

// The reasons. docs/manual/operations.md explains each.
const (
	TooManyFromAddress Reason = "connections_per_address"
	TooManyConnections Reason = "connections_total"
	AcceptError        Reason = "accept_error"
	HeaderTimeout      Reason = "header_timeout"
	MalformedRequest   Reason = "malformed_request"
	BodyTimeout        Reason = "body_timeout"
	BodyTooLarge       Reason = "body_too_large"
	URLTooLong         Reason = "url_too_long"
	WrongMediaType     Reason = "media_type"
	RateLimited        Reason = "rate_limit"
	TooManyLivePages   Reason = "live_pages"
	HandlerPanic       Reason = "panic"
	ConnectionError    Reason = "connection_error"
)

// Reasons returns every reason.
func Reasons() []Reason {
	return []Reason{
		TooManyFromAddress, TooManyConnections, AcceptError, HeaderTimeout, MalformedRequest, BodyTimeout, BodyTooLarge,
		URLTooLong, WrongMediaType, RateLimited, TooManyLivePages, HandlerPanic, ConnectionError,
	}
}

// Rejections counts and logs rejections. It logs each reason at most once a
// minute: clients must not be able to fill the disk with log lines. It is safe
// for concurrent use.
type Rejections struct {
	log   *slog.Logger
	count func(Reason)

	mu       sync.Mutex
	byReason map[Reason]*rejectionCount
}

// rejectionCount counts the rejections for one reason since the last log line.
type rejectionCount struct {
	count      int
	lastDetail string // detail of the newest rejection
	loggedAt   time.Time
}

// rejectionLogInterval is the minimum time between two log lines for a reason.
const rejectionLogInterval = time.Minute

// NewRejections returns an empty counter. It calls count for each rejection, for the
// metrics.
func NewRejections(log *slog.Logger, count func(Reason)) *Rejections {
	return &Rejections{log: log, count: count, byReason: map[Reason]*rejectionCount{}}
}

// Add counts one rejection. detail is the client or the error.
func (r *Rejections) Add(reason Reason, detail string) {
	r.count(reason)
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.byReason[reason]
	if t == nil {
		t = &rejectionCount{}
		r.byReason[reason] = t
	}
	t.count++
	t.lastDetail = detail
	r.write(reason, t, now)
}

// Flush logs the rejections since the last line of each reason. A background loop
// calls it. It returns the time to the next call.
func (r *Rejections) Flush(_ context.Context, now time.Time) (time.Duration, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for reason, t := range r.byReason {
		r.write(reason, t, now)
	}
	return rejectionLogInterval, nil
}

// write logs a tally unless its last line is too recent.
func (r *Rejections) write(reason Reason, t *rejectionCount, now time.Time) {
	if t.count == 0 || now.Sub(t.loggedAt) < rejectionLogInterval {
		return
	}
	r.log.Warn("requests rejected", "component", "http", "reason", string(reason), "count", t.count, "last", t.lastDetail)
	t.count, t.loggedAt = 0, now
}

// errorLog receives the log lines of net/http: errors of Accept and of single
// connections.
type errorLog struct {
	log        *slog.Logger
	rejections *Rejections
}

// maxErrorDetail is the maximum length of a logged line of net/http, in bytes.
const maxErrorDetail = 300

// Write handles one line. The full line is logged at debug level only, because clients
// cause it.
func (e errorLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	e.log.Debug("connection failed", "error", text)
	first, _, _ := strings.Cut(text, "\n") // a stack may follow
	e.rejections.Add(reasonOf(text), first[:min(len(first), maxErrorDetail)])
	return len(line), nil
}

// reasonOf returns the reason for a log line of net/http.
func reasonOf(line string) Reason {
	switch {
	case strings.HasPrefix(line, "http: Accept error"):
		return AcceptError
	case strings.Contains(line, "panic serving"):
		return HandlerPanic
	}
	return ConnectionError
}

// reasonOfStatus returns the reason for the status of a response, or false if the
// status does not mean a rejection. 408 is counted where the body is read.
func reasonOfStatus(status int) (reason Reason, ok bool) {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return BodyTooLarge, true
	case http.StatusRequestURITooLong:
		return URLTooLong, true
	case http.StatusUnsupportedMediaType:
		return WrongMediaType, true
	case http.StatusTooManyRequests:
		return RateLimited, true
	}
	return "", false
}
