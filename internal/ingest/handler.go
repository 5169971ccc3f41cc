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
	mostBody       = 100_000          // bytes kept
	mostDiscarded  = 32 << 20         // bytes read beyond, so that the sender can finish
	longestBody    = 10 * time.Second // for what is kept
	crowdedBody    = 2 * time.Second  // the same, while many heartbeats have an incomplete request
	longestDiscard = time.Minute
	longestWait    = 8 * time.Second // for the answer of the batcher
	mostUserAgent  = 300
	retryAfter     = "5" // seconds, said with 503
)

// Handler answers pings. Errors are one short line of plain text.
type Handler struct {
	Batcher  *Batcher
	Arrivals *Arrivals
	Bodies   *Bodies
	Meter    *meter.Meter
	// Source tells the address that a request came from.
	Source func(*http.Request) string
	// DataAge returns how long ago the last data of a request arrived, if known.
	DataAge func(*http.Request) (time.Duration, bool)
	// Allow tells whether a source may go on, and if not, for how long not.
	Allow func(source string) (wait time.Duration)
	// Panicked logs what the handler panicked with.
	Panicked func(caught any, r *http.Request)
}

// ServeHTTP answers one ping.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for _, said := range always {
		header[said.name] = said.value
	}
	defer func() {
		// A ping's answer is one write at the very end, so none has begun.
		if caught := recover(); caught != nil {
			h.Panicked(caught, r)
			header.Set("Retry-After", retryAfter)
			answer(w, http.StatusInternalServerError, "internal error: send it again")
		}
	}()
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodHead:
		status, line, kind := h.take(w, r)
		h.Meter.Ping(string(kind), status)
		answer(w, status, line)
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "POST, GET, HEAD")
		header.Set("Access-Control-Allow-Headers", "*")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		header.Set("Allow", "POST, GET, HEAD, OPTIONS")
		answer(w, http.StatusMethodNotAllowed, "method not allowed: send POST, GET or HEAD")
	}
}

// always are headers of every answer. They are made once: http.Header.Set would
// make each anew for every ping. Nobody may change the values.
var always = []struct {
	name  string
	value []string
}{
	{"Content-Type", []string{"text/plain; charset=utf-8"}},
	{"Access-Control-Allow-Origin", []string{"*"}},
	{"Ping-Body-Limit", []string{strconv.Itoa(mostBody)}},
	{"Cache-Control", []string{"no-store"}},
	{"X-Content-Type-Options", []string{"nosniff"}},
}

// answer writes one line. An error ends with a line break, so that it stands
// alone on a terminal; OK is exactly OK.
func answer(w http.ResponseWriter, status int, line string) {
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

// take stores one ping and returns the answer.
func (h *Handler) take(w http.ResponseWriter, r *http.Request) (status int, line string, kind monitor.PingKind) {
	f, err := parse(r.URL.Path, r.URL.RawQuery)
	if err != nil {
		return http.StatusBadRequest, err.Error(), malformed
	}
	kind, _ = f.ping()
	source := h.Source(r)
	if wait := h.Allow(source); wait > 0 {
		w.Header().Set("Retry-After", seconds(wait))
		return http.StatusTooManyRequests, "too many pings from " + source, kind
	}
	if _, down := h.Batcher.db.Unavailable(); down != nil {
		w.Header().Set("Retry-After", retryAfter)
		return http.StatusServiceUnavailable, notStored, kind
	}
	arrival := h.Arrivals.Begin(f.id, func() (time.Duration, bool) { return h.DataAge(r) })
	queued := false
	defer func() {
		if !queued {
			h.Arrivals.End(arrival)
		}
	}()
	if r.ContentLength != 0 && !h.known(r, arrival, f.id) {
		return http.StatusNotFound, unknownID, f.kind // before a stranger's body takes any memory
	}
	body, end := h.readBody(w, r)
	defer h.Bodies.give(body)
	ping, problem := f.received(r, body, end)
	if problem != nil {
		if problem.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", retryAfter)
		}
		return problem.status, problem.line, malformed
	}
	if rest := h.Arrivals.Complete(arrival); rest > 0 {
		<-time.After(rest)
	}
	ping.At, ping.Source = arrival.At, source
	if arrival.delayed {
		ping.Flags |= monitor.Delayed
	}
	waits := &waiting{id: f.id, arrival: arrival, done: make(chan error, 1), ping: ping}
	if err := h.Batcher.put(waits); err != nil {
		w.Header().Set("Retry-After", "1")
		return http.StatusServiceUnavailable, "overloaded: nothing was stored, send it again", ping.Kind
	}
	queued = true
	status, line = h.wait(w, waits)
	if end == bodyMore {
		discard(r)
	}
	return status, line, ping.Kind
}

// known reports whether a heartbeat has the id, or that is not certain.
func (h *Handler) known(r *http.Request, arrival *Arrival, id string) bool {
	if h.Arrivals.Binding(arrival) {
		return true
	}
	found, certain := h.Batcher.exists(r.Context(), id)
	if found {
		h.Arrivals.Bind(arrival)
	}
	return found || !certain
}

// malformed is the kind, in metrics, of a request that is not a ping.
const malformed monitor.PingKind = "malformed"

// problem is the answer to a request that is not stored.
type problem struct {
	status int
	line   string
}

// received returns the ping of a request whose body has been read.
func (f form) received(r *http.Request, body []byte, end bodyEnd) (monitor.Ping, *problem) {
	if contentType := r.Header.Get("Content-Type"); (f.kind == "" || f.ended) && r.Body != nil {
		before := f.claim
		if encoding := r.Header.Get("Content-Encoding"); f.kind == "" && encoding != "" && encoding != "identity" && saysOutcome(contentType) {
			return monitor.Ping{}, &problem{http.StatusUnsupportedMediaType, "the body is compressed, so its outcome cannot be read: send it as it is, or put the outcome into the URL"}
		}
		if err := f.readBody(contentType, body, end == bodyComplete); err != nil && before.kind == "" {
			return monitor.Ping{}, &problem{http.StatusBadRequest, err.Error()}
		} else if err != nil {
			f.claim = before // the run ended, and the rest is output
		}
		if undecided := before.kind == "" && (f.kind == "" || f.ended) && mayGoOn(contentType, body); undecided && end == bodyLate {
			return monitor.Ping{}, &problem{http.StatusRequestTimeout, "the body did not arrive in time, and its outcome is not known: nothing was stored, send it again"}
		} else if undecided && end == bodyCut {
			return monitor.Ping{}, &problem{http.StatusServiceUnavailable, "memory is short, and the outcome in the body could not be read: nothing was stored, send it again"}
		}
	}
	kind, exit := f.ping()
	if end == bodyBroken && kind == monitor.Success {
		// A job that is killed while it sends its output looks the same.
		kind = monitor.Log
	}
	return monitor.Ping{
		Kind: kind, RunID: f.runID, ExitCode: exit, Method: r.Method, UserAgent: clean(r.UserAgent()),
		Body: body, BodySize: int64(len(body)), Flags: end.flags(),
	}, nil
}

// unknownID is what 404 says.
const unknownID = "not found: no heartbeat has this id; copy the ping URL again"

// notStored is the text of the 503 answer while the database is unavailable.
const notStored = "not stored: the database is unavailable, send it again"

// wait returns the answer for a queued ping. If the database stops answering, the
// sender is answered at once, but the ping may still be stored: it stays registered
// until its commit has ended.
func (h *Handler) wait(w http.ResponseWriter, waits *waiting) (status int, line string) {
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	opened, _ := h.Batcher.db.Unavailable()
	err, line := store.ErrAway, notStored
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
	case errors.Is(err, errUnknown):
		return http.StatusNotFound, unknownID
	}
	w.Header().Set("Retry-After", retryAfter)
	return http.StatusServiceUnavailable, line
}

// seconds rounds up for Retry-After (RFC 9110, section 10.2.3).
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// bodyTime is how long a body may take to arrive.
func (h *Handler) bodyTime() time.Duration {
	if h.Arrivals.Crowded() {
		return crowdedBody
	}
	return longestBody
}

// bodyEnd is how far a body arrived.
type bodyEnd int

const (
	bodyComplete bodyEnd = iota
	bodyCut              // not read to its end: memory is short
	bodyMore             // longer than what is kept: the rest is read and dropped
	bodyLate             // the rest did not arrive in time
	bodyBroken           // the connection broke off
)

// flags returns the flags of a ping with such a body.
func (e bodyEnd) flags() monitor.PingFlags {
	switch e {
	case bodyCut, bodyMore:
		return monitor.BodyTruncated
	case bodyLate:
		return monitor.BodyTimeout
	case bodyBroken:
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
	_ = control.SetReadDeadline(time.Now().Add(h.bodyTime()))
	body, more, err := h.Bodies.read(r.Body, r.ContentLength, mostBody)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, bodyLate
	case err != nil:
		return body, bodyBroken
	case !more:
		return body, bodyComplete
	case len(body) < mostBody:
		h.Meter.BodyCut()
		return body, bodyCut // the deadline set above bounds the rest
	}
	// Always with a deadline: net/http reads the rest of the body before it answers.
	_ = control.SetReadDeadline(time.Now().Add(longestDiscard))
	return body, bodyMore
}

// discard reads the rest of a long body, when its ping is stored already: a
// sender that is stopped in the middle would not see the answer. The deadline is
// that of readBody.
func discard(r *http.Request) {
	// Whatever goes wrong with what is not kept is the sender's own affair.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, mostDiscarded))
}

// clean makes a header safe to keep in any database: valid UTF-8, no NUL, of
// bounded length.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
	if len(s) > mostUserAgent {
		s = strings.ToValidUTF8(s[:mostUserAgent], "")
	}
	return s
}
