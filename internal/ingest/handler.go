package ingest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"overdue/internal/meter"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// What a request may bring, and how long it may take.
const (
	maxBody            = 100_000          // bytes kept
	maxDiscarded       = 32 << 20         // bytes read beyond, so that the sender can finish
	bodyTimeout        = 10 * time.Second // for what is kept
	crowdedBodyTimeout = 2 * time.Second  // the same, while many heartbeats have an incomplete request
	discardTimeout     = time.Minute
	commitWaitTimeout  = 8 * time.Second // for the answer of the batcher
	maxUserAgent       = 300
	retryAfterSeconds  = "5" // seconds, said with 503
)

// Handler answers pings. Errors are one short line of plain text.
type Handler struct {
	Batcher    *Batcher
	InFlight   *InFlight
	BodyBudget *BodyBudget
	Metrics    *meter.Metrics
	// Source tells the address that a request came from.
	Source func(*http.Request) string
	// DataAge returns how long ago the last data of a request arrived, if known.
	DataAge func(*http.Request) (time.Duration, bool)
	// Allow tells whether a source may go on, and if not, for how long not.
	Allow func(source string) (wait time.Duration)
	// OnPanic logs what the handler panicked with.
	OnPanic func(caught any, r *http.Request)
}

// ServeHTTP answers one ping.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for _, said := range commonHeaders {
		header[said.name] = said.value
	}
	defer func() {
		// A ping's answer is one write at the very end, so none has begun.
		if caught := recover(); caught != nil {
			h.OnPanic(caught, r)
			header.Set("Retry-After", retryAfterSeconds)
			writeAnswer(w, http.StatusInternalServerError, "internal error: send it again")
		}
	}()
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodHead:
		status, line, kind := h.receive(w, r)
		h.Metrics.Ping(string(kind), status)
		writeAnswer(w, status, line)
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "POST, GET, HEAD")
		header.Set("Access-Control-Allow-Headers", "*")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		header.Set("Allow", "POST, GET, HEAD, OPTIONS")
		writeAnswer(w, http.StatusMethodNotAllowed, "method not allowed: send POST, GET or HEAD")
	}
}

// commonHeaders are headers of every answer. They are made once: http.Header.Set would
// make each anew for every ping. Nobody may change the values.
var commonHeaders = []struct {
	name  string
	value []string
}{
	{"Content-Type", []string{"text/plain; charset=utf-8"}},
	{"Access-Control-Allow-Origin", []string{"*"}},
	{"Ping-Body-Limit", []string{strconv.Itoa(maxBody)}},
	{"Cache-Control", []string{"no-store"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
}

// writeAnswer writes one line. An error ends with a line break, so that it stands
// alone on a terminal; OK is exactly OK.
func writeAnswer(w http.ResponseWriter, status int, line string) {
	if status != http.StatusOK {
		line += "\n"
	}
	if status != http.StatusOK { // for a short 200 the server counts itself
		w.Header().Set("Content-Length", strconv.Itoa(len(line)))
		w.WriteHeader(status)
	}
	// The client may be gone; its ping is stored all the same.
	_, _ = io.WriteString(w, line)
}

// receive stores one ping and returns the answer.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) (status int, line string, kind monitor.PingKind) {
	f, err := parsePingURL(r.URL.Path, r.URL.RawQuery)
	if err != nil {
		return http.StatusBadRequest, err.Error(), malformedKind
	}
	kind, _ = f.kindAndExit()
	source := h.Source(r)
	if wait := h.Allow(source); wait > 0 {
		w.Header().Set("Retry-After", roundUpSeconds(wait))
		return http.StatusTooManyRequests, "too many pings from " + source, kind
	}
	if _, down := h.Batcher.db.Unavailable(); down != nil {
		w.Header().Set("Retry-After", retryAfterSeconds)
		return http.StatusServiceUnavailable, notStoredText, kind
	}
	arrival := h.InFlight.Add(f.id, func() (time.Duration, bool) { return h.DataAge(r) })
	queued := false
	defer func() {
		if !queued {
			h.InFlight.Remove(arrival)
		}
	}()
	if r.ContentLength != 0 && !h.idExists(r, arrival, f.id) {
		return http.StatusNotFound, unknownIDText, f.kind // before a stranger's body takes any memory
	}
	body, end := h.readBody(w, r)
	defer h.BodyBudget.release(body)
	ping, problem := f.toPing(r, body, end)
	if problem != nil {
		if problem.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", retryAfterSeconds)
		}
		return problem.status, problem.line, malformedKind
	}
	if rest := h.InFlight.Complete(arrival); rest > 0 {
		<-time.After(rest)
	}
	ping.At, ping.Source = arrival.At, source
	if arrival.delayed {
		ping.Flags |= monitor.Delayed
	}
	waits := &queuedPing{id: f.id, inFlight: arrival, done: make(chan error, 1), ping: ping}
	if err := h.Batcher.enqueue(waits); err != nil {
		w.Header().Set("Retry-After", "1")
		return http.StatusServiceUnavailable, "overloaded: nothing was stored, send it again", ping.Kind
	}
	queued = true
	status, line = h.waitForCommit(w, waits)
	if end == bodyTooLong {
		discardRest(r)
	}
	return status, line, ping.Kind
}

// idExists reports whether a heartbeat has the id, or that is not certain.
func (h *Handler) idExists(r *http.Request, arrival *InFlightPing, id string) bool {
	if h.InFlight.Confirmed(arrival) {
		return true
	}
	found, certain := h.Batcher.exists(r.Context(), id)
	if found {
		h.InFlight.Confirm(arrival)
	}
	return found || !certain
}

// malformedKind is the kind, in metrics, of a request that is not a ping.
const malformedKind monitor.PingKind = "malformed"

// problem is the answer to a request that is not stored.
type problem struct {
	status int
	line   string
}

// toPing returns the ping of a request whose body has been read.
func (f pingRequest) toPing(r *http.Request, body []byte, end bodyEnd) (monitor.Ping, *problem) {
	if contentType := r.Header.Get("Content-Type"); (f.kind == "" || f.ended) && r.Body != nil {
		before := f.outcomeClaim
		if encoding := r.Header.Get("Content-Encoding"); f.kind == "" && encoding != "" && encoding != "identity" && mayHoldOutcome(contentType) {
			return monitor.Ping{}, &problem{http.StatusUnsupportedMediaType, "the body is compressed, so its outcome cannot be read: send it as it is, or put the outcome into the URL"}
		}
		if err := f.readBody(contentType, body, end == bodyComplete); err != nil && before.kind == "" {
			return monitor.Ping{}, &problem{http.StatusBadRequest, err.Error()}
		} else if err != nil {
			f.outcomeClaim = before // the run ended, and the rest is output
		}
		if undecided := before.kind == "" && (f.kind == "" || f.ended) && mayContinue(contentType, body); undecided && end == bodyLate {
			return monitor.Ping{}, &problem{http.StatusRequestTimeout, "the body did not arrive in time, and its outcome is not known: nothing was stored, send it again"}
		} else if undecided && end == bodyTruncated {
			return monitor.Ping{}, &problem{http.StatusServiceUnavailable, "memory is short, and the outcome in the body could not be read: nothing was stored, send it again"}
		}
	}
	kind, exit := f.kindAndExit()
	if end == bodyAborted && kind == monitor.PingSuccess {
		// A job that is killed while it sends its output looks the same.
		kind = monitor.PingLog
	}
	return monitor.Ping{
		Kind: kind, RunID: f.runID, ExitCode: exit, Method: r.Method, UserAgent: cleanHeader(r.UserAgent()),
		Body: body, BodySize: int64(len(body)), Flags: end.flags(),
	}, nil
}

// unknownIDText is what 404 says.
const unknownIDText = "not found: no heartbeat has this id; copy the ping URL again"

// notStoredText is the text of the 503 answer while the database is unavailable.
const notStoredText = "not stored: the database is unavailable, send it again"

// waitForCommit returns the answer for a queued ping. If the database stops answering, the
// sender is answered at once, but the ping may still be stored: it stays registered
// until its commit has ended.
func (h *Handler) waitForCommit(w http.ResponseWriter, waits *queuedPing) (status int, line string) {
	timer := time.NewTimer(commitWaitTimeout)
	defer timer.Stop()
	opened, _ := h.Batcher.db.Unavailable()
	err, line := store.ErrUnavailable, notStoredText
	select {
	case err = <-waits.done:
	case <-opened:
		select {
		case err = <-waits.done: // both at once: the answer is what counts
		default:
		}
	case <-timer.C:
		line = "not stored in time: send it again"
	}
	switch {
	case err == nil:
		return http.StatusOK, "OK"
	case errors.Is(err, errUnknownID):
		return http.StatusNotFound, unknownIDText
	}
	w.Header().Set("Retry-After", retryAfterSeconds)
	return http.StatusServiceUnavailable, line
}

// roundUpSeconds rounds up for Retry-After (RFC 9110, section 10.2.3).
func roundUpSeconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// bodyTimeLimit is how long a body may take to arrive.
func (h *Handler) bodyTimeLimit() time.Duration {
	if h.InFlight.Crowded() {
		return crowdedBodyTimeout
	}
	return bodyTimeout
}

// bodyEnd is how far a body arrived.
type bodyEnd int

const (
	bodyComplete  bodyEnd = iota
	bodyTruncated         // not read to its end: memory is short
	bodyTooLong           // longer than what is kept: the rest is read and dropped
	bodyLate              // the rest did not arrive in time
	bodyAborted           // the connection broke off
)

// flags returns the flags of a ping with such a body.
func (e bodyEnd) flags() monitor.PingFlags {
	switch e {
	case bodyTruncated, bodyTooLong:
		return monitor.BodyTruncated
	case bodyLate:
		return monitor.BodyTimeout
	case bodyAborted:
		return monitor.BodyAborted
	}
	return 0
}

// readBody returns the first 100 kB of a body, or what has arrived in time. The
// caller gives it back to the budget.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) (body []byte, end bodyEnd) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, bodyComplete
	}
	// Not every writer has deadlines (tests); the server's own then bound it.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(h.bodyTimeLimit()))
	body, more, err := h.BodyBudget.read(r.Body, r.ContentLength, maxBody)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, bodyLate
	case err != nil:
		return body, bodyAborted
	case !more:
		return body, bodyComplete
	case len(body) < maxBody:
		h.Metrics.BodyTruncated()
		return body, bodyTruncated // the deadline set above bounds the rest
	}
	// Always with a deadline: net/http reads the rest of the body before it answers.
	_ = control.SetReadDeadline(time.Now().Add(discardTimeout))
	return body, bodyTooLong
}

// discardRest reads the rest of a long body, when its ping is stored already: a
// sender that is stopped in the middle would not see the answer. The deadline is
// that of readBody.
func discardRest(r *http.Request) {
	// Whatever goes wrong with what is not kept is the sender's own affair.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxDiscarded))
}

// cleanHeader makes a header safe to keep in any database: valid UTF-8, no NUL, of
// bounded length.
func cleanHeader(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
	if len(s) > maxUserAgent {
		s = strings.ToValidUTF8(s[:maxUserAgent], "")
	}
	return s
}
