package ingest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/monitor"
)

// Limits of a request.
const (
	maxBody            = 100_000          // bytes that are stored
	maxDiscarded       = 32 << 20         // further bytes that are read, so the client can finish
	bodyTimeout        = 10 * time.Second // for the bytes that are stored
	crowdedBodyTimeout = 2 * time.Second  // the same, while many heartbeats have an incomplete request
	discardTimeout     = time.Minute
	commitWaitTimeout  = 4500 * time.Millisecond // for the commit
	maxUserAgent       = 300
	retryAfterSeconds  = "5" // seconds, with 503
)

// Handler serves pings. Error responses are one short line of plain text.
type Handler struct {
	Batcher    *Batcher
	InFlight   *InFlight
	BodyBudget *BodyBudget
	Metrics    *metrics.Metrics
	// Source returns the client address of a request.
	Source func(*http.Request) string
	// DataAge returns how long ago the last data of a request arrived, if known.
	DataAge func(*http.Request) (time.Duration, bool)
	// Allow returns 0 if the source may send now, or how long it must wait.
	Allow func(source string) (wait time.Duration)
	// OnPanic logs a panic of the handler.
	OnPanic func(caught any, r *http.Request)
}

// ServeHTTP serves one ping.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	for _, common := range commonHeaders {
		header[common.name] = common.value
	}
	defer func() {
		// The response is a single write at the end, so nothing was sent yet.
		if caught := recover(); caught != nil {
			h.OnPanic(caught, r)
			header.Set("Retry-After", retryAfterSeconds)
			writeAnswer(w, http.StatusInternalServerError, "internal error: send the ping again")
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

// commonHeaders are the headers of every response. They are shared, because
// http.Header.Set would allocate for every ping. The values must not be changed.
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

// writeAnswer writes a response of one line. An error ends with a line break for
// terminals. A success is exactly OK.
func writeAnswer(w http.ResponseWriter, status int, line string) {
	if status != http.StatusOK {
		line += "\n"
	}
	if status != http.StatusOK { // net/http counts the length of a short 200
		w.Header().Set("Content-Length", strconv.Itoa(len(line)))
		w.WriteHeader(status)
	}
	// The client may have disconnected; its ping is stored.
	_, _ = io.WriteString(w, line)
}

// receive stores one ping and returns the response.
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
		h.InFlight.Reject(f.id)
		w.Header().Set("Retry-After", retryAfterSeconds)
		return http.StatusServiceUnavailable, notStoredText, kind
	}
	waits := h.Batcher.pool.get(f.id)
	arrival, queued := &waits.inFlight, false
	drain := h.register(arrival, f.id, r)
	defer func() {
		if !queued {
			h.InFlight.Remove(arrival)
		}
	}()
	if hasBody(r) && !h.idExists(r, arrival, f.id) {
		return http.StatusNotFound, unknownIDText, f.kind // before the body uses memory
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
	if hasBody(r) {
		drain = h.InFlight.Complete(arrival)
	}
	ping.Source = source
	waits.ping = ping
	if queued = h.enqueue(waits, drain); !queued {
		h.InFlight.RejectPing(arrival)
		w.Header().Set("Retry-After", "1")
		return http.StatusServiceUnavailable, "overloaded: the ping was not stored, send it again", ping.Kind
	}
	status, line = h.waitForCommit(w, waits)
	if end == bodyTooLong {
		discardRest(r)
	}
	return status, line, ping.Kind
}

// enqueue queues a ping after its drain. It returns false if the queue is full.
func (h *Handler) enqueue(waits *queuedPing, drain time.Duration) bool {
	if drain > 0 {
		<-time.After(drain)
		h.InFlight.Complete(&waits.inFlight) // its wait for the commit begins now
	}
	if waits.ping.At = waits.inFlight.At; waits.inFlight.delayed {
		waits.ping.Flags |= monitor.Delayed
	}
	return h.Batcher.enqueue(waits) == nil
}

// hasBody reports whether a request has a body.
func hasBody(r *http.Request) bool { return r.ContentLength != 0 }

// register adds a ping to the pings in flight. A request without a body is complete, so it
// returns the result of Complete.
func (h *Handler) register(arrival *InFlightPing, id string, r *http.Request) (drain time.Duration) {
	waited := func() (time.Duration, bool) { return h.DataAge(r) }
	if !hasBody(r) {
		return h.InFlight.addComplete(arrival, id, waited)
	}
	h.InFlight.addTo(arrival, id, waited)
	return 0
}

// idExists reports whether a heartbeat has the id, or may have it if the lookup fails.
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

// malformedKind is the kind of a malformed request in the metrics.
const malformedKind monitor.PingKind = "malformed"

// rejection is the response to a request that is not stored.
type rejection struct {
	status int
	line   string
}

// toPing returns the ping of a request whose body has been read.
func (f pingRequest) toPing(r *http.Request, body []byte, end bodyEnd) (monitor.Ping, *rejection) {
	if contentType := r.Header.Get("Content-Type"); (f.kind == "" || f.ended) && r.Body != nil && contentType != "" {
		before := f.outcomeClaim
		if encoding := r.Header.Get("Content-Encoding"); f.kind == "" && encoding != "" && encoding != "identity" && mayHoldOutcome(contentType) {
			return monitor.Ping{}, &rejection{http.StatusUnsupportedMediaType, "the body is compressed, so its outcome cannot be read: send it uncompressed, or put the outcome into the URL"}
		}
		if err := f.readBody(contentType, body, end == bodyComplete); err != nil && before.kind == "" {
			return monitor.Ping{}, &rejection{http.StatusBadRequest, err.Error()}
		} else if err != nil {
			f.outcomeClaim = before // the run ended, the rest is output
		}
		if undecided := before.kind == "" && (f.kind == "" || f.ended) && mayContinue(contentType, body); undecided && end == bodyLate {
			return monitor.Ping{}, &rejection{http.StatusRequestTimeout, "the body did not arrive in time, and its outcome is not known: the ping was not stored, send it again"}
		} else if undecided && end == bodyTruncated {
			return monitor.Ping{}, &rejection{http.StatusServiceUnavailable, "out of memory for bodies, and the outcome in the body is not known: the ping was not stored, send it again"}
		}
	}
	kind, exit := f.kindAndExit()
	if end == bodyAborted && kind == monitor.PingSuccess {
		// A job that is killed while it sends its output looks the same.
		kind = monitor.PingLog
	}
	return monitor.Ping{
		Kind: kind, RunID: f.runID, Host: f.host, ExitCode: exit, Method: r.Method, UserAgent: cleanHeader(r.UserAgent()),
		Body: body, BodySize: int64(len(body)), Flags: end.flags(),
	}, nil
}

// unknownIDText is the text of the 404 response.
const unknownIDText = "not found: no heartbeat has this id; copy the ping URL again"

// notStoredText is the text of the 503 response while the database is unavailable.
const notStoredText = "not stored: the database is unavailable, send it again"

// waitForCommit waits for the commit of a queued ping and returns the response. The client
// is answered sooner if the database stops answering, see patience.
func (h *Handler) waitForCommit(w http.ResponseWriter, waits *queuedPing) (status int, line string) {
	h.Batcher.watchWaiting()
	err := <-waits.done
	switch {
	case err == nil:
		h.Batcher.pool.put(waits)
		return http.StatusOK, "OK"
	case errors.Is(err, errUnknownID):
		return http.StatusNotFound, unknownIDText
	}
	w.Header().Set("Retry-After", retryAfterSeconds)
	if errors.Is(err, errTooSlow) {
		return http.StatusServiceUnavailable, "not stored in time: send it again"
	}
	return http.StatusServiceUnavailable, notStoredText
}

// roundUpSeconds rounds up for Retry-After (RFC 9110, section 10.2.3).
func roundUpSeconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// bodyTimeLimit returns the timeout for a body.
func (h *Handler) bodyTimeLimit() time.Duration {
	if h.InFlight.Crowded() {
		return crowdedBodyTimeout
	}
	return bodyTimeout
}

// bodyEnd describes how the body ended.
type bodyEnd int

const (
	bodyComplete  bodyEnd = iota
	bodyTruncated         // truncated, because the memory budget is used up
	bodyTooLong           // longer than the limit: the rest is read and discarded
	bodyLate              // the rest did not arrive in time
	bodyAborted           // the connection was lost
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

// readBody returns the first 100 kB of a body, or the part that arrived in
// time. The caller must release it.
func (h *Handler) readBody(w http.ResponseWriter, r *http.Request) (body []byte, end bodyEnd) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, bodyComplete
	}
	// Writers in tests have no deadlines.
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
		return body, bodyTruncated // the deadline above also applies to the rest
	}
	// Always with a deadline: net/http reads the rest of the body before it answers.
	_ = control.SetReadDeadline(time.Now().Add(discardTimeout))
	return body, bodyTooLong
}

// discardRest reads the rest of a long body after its ping was stored: many
// clients read the response only after they have sent everything. The deadline
// is that of readBody.
func discardRest(r *http.Request) {
	// Errors do not matter: the ping is stored.
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxDiscarded))
}

// cleanHeader makes a header safe to store: valid UTF-8, no NUL, limited length.
func cleanHeader(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
	if len(s) > maxUserAgent {
		s = strings.ToValidUTF8(s[:maxUserAgent], "")
	}
	return s
}
