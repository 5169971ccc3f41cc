package httpd

import (
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"overdue/internal/pingid"
)

// Sizes of a request, in bytes.
const (
	maxURL = 8 << 10
	// maxBody is what any handler can read of a body. The API and the pages accept
	// less, and say so.
	maxBody = 512 << 10
)

// Handler puts around next what every request goes through: a request id, a
// line in the log, limits of size, and an answer also when next panics. The log
// names clients as the trusted proxies saw them. Pings have limits of their own.
func Handler(next http.Handler, log *slog.Logger, rejections *Rejections, trusted []netip.Prefix) http.Handler {
	return withRequestID(withLog(withRecover(withSizeLimits(next), log, rejections), log, trusted))
}

// withSizeLimits rejects request targets that nobody types, and ends bodies that
// no handler should read. Browsers must not guess what an answer is.
func withSizeLimits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.ContentLength != 0 {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		if len(r.RequestURI) > maxURL {
			NewProblem(http.StatusRequestURITooLong, "The URL is longer than 8 kB.").Write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// withRecover answers for a handler that panicked. Once it has begun to answer,
// all that is left is to break the connection, so that nobody takes the part
// for the whole. It counts the requests that were rejected.
func withRecover(next http.Handler, log *slog.Logger, rejections *Rejections) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &responseRecorder{ResponseWriter: w}
		defer func() {
			caught := recover()
			if caught == nil {
				if reason, rejected := reasonOfStatus(seen.status); rejected {
					rejections.Add(reason, r.RemoteAddr+" "+maskPath(r.URL.Path))
				}
				return
			}
			if caught == http.ErrAbortHandler {
				panic(caught)
			}
			LogPanic(caught, r, log, rejections)
			if seen.status != 0 {
				panic(http.ErrAbortHandler)
			}
			InternalError().Write(w, r)
		}()
		next.ServeHTTP(seen, r)
	})
}

// LogPanic logs and counts what a handler panicked with. It must be called by
// the deferred function that recovered, while the stack is there.
func LogPanic(caught any, r *http.Request, log *slog.Logger, rejections *Rejections) {
	log.Error("handler panicked", "panic", caught, "path", maskPath(r.URL.Path), "request_id", RequestID(r), "stack", string(debug.Stack()))
	rejections.Add(HandlerPanic, maskPath(r.URL.Path))
}

// withLog writes one line per request. Pings are too many for that, and
// watchdogs ask all the time: their lines are for debugging.
func withLog(next http.Handler, log *slog.Logger, trusted []netip.Prefix) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		level := levelOf(r.URL.Path)
		if !log.Enabled(r.Context(), level) {
			next.ServeHTTP(w, r)
			return
		}
		began, seen := time.Now(), &responseRecorder{ResponseWriter: w}
		defer func() {
			log.Log(r.Context(), level, "request", "method", r.Method, "path", maskPath(r.URL.Path), "status", seen.statusOrOK(),
				"bytes", seen.bytes, "took", time.Since(began), "client", ClientAddress(r, trusted), "request_id", RequestID(r))
		}()
		next.ServeHTTP(seen, r)
	})
}

// levelOf is the level of a request's line in the log.
func levelOf(path string) slog.Level {
	switch {
	case strings.HasPrefix(path, "/api/v1/hb/"), path == "/healthz", path == "/readyz", path == "/metrics":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// secretPathPattern finds the paths whose last part lets in whoever has it, however the
// path before it is spelled.
var secretPathPattern = regexp.MustCompile(`(?i)(/(?:reset|invitations|acknowledge)/).+`)

// tokenPattern finds what could be the secret of a link or a key anywhere else in a
// path: a long run of letters and digits with an upper case letter or a
// separator of base64 in it. The product's own names have neither.
var tokenPattern = regexp.MustCompile(`[\w.~-]{24,}`)

// maskPath shortens every id in a path to its first 8 characters: enough to
// find it, not enough to ping. What is the secret of a link is left out, also
// if the path does not exist: the secret is still valid.
func maskPath(p string) string {
	p = pingid.Shorten(secretPathPattern.ReplaceAllString(path.Clean(p), "$1…"))
	return tokenPattern.ReplaceAllStringFunc(p, func(run string) string {
		if strings.ToLower(run) == run && !strings.Contains(run, "_") {
			return run
		}
		return run[:4] + "…"
	})
}

// responseRecorder notes what was answered.
type responseRecorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// statusOrOK is the status that went out: 200 when the handler chose none.
func (rec *responseRecorder) statusOrOK() int {
	if rec.status == 0 {
		return http.StatusOK
	}
	return rec.status
}

// WriteHeader notes the first final status; 1xx are only announcements.
func (rec *responseRecorder) WriteHeader(status int) {
	if rec.status == 0 && status >= http.StatusOK {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write counts what is sent.
func (rec *responseRecorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what lies below.
func (rec *responseRecorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
