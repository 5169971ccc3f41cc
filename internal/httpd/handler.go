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
	"overdue/internal/pingurl"
)

// Sizes of a request, in bytes.
const (
	maxURL = 8 << 10
	// maxBody is the maximum body for every handler. The API and the pages have
	// lower limits.
	maxBody = 512 << 10
)

// Handler wraps next with a request id, an access log, size limits and a
// recovery from panics. The log has the client address according to the trusted
// proxies. Pings are not handled here.
func Handler(next http.Handler, log *slog.Logger, rejections *Rejections, trusted []netip.Prefix) http.Handler {
	return withRequestID(withLog(withRecover(withSizeLimits(next), log, rejections), log, trusted))
}

// withSizeLimits limits the size of URLs and bodies, and prevents browsers from
// guessing content types.
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

// withRecover responds if a handler panics. If the response has started, it
// aborts the connection, so no client takes a part for the whole. It also
// counts rejected requests.
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

// LogPanic logs and counts a panic of a handler. The deferred function that
// recovers must call it, because it logs the stack.
func LogPanic(caught any, r *http.Request, log *slog.Logger, rejections *Rejections) {
	log.Error("handler panicked", "component", "http", "panic", caught, "path", maskPath(r.URL.Path), "request_id", RequestID(r), "stack", string(debug.Stack()))
	rejections.Add(HandlerPanic, maskPath(r.URL.Path))
}

// withLog writes one log line per request. Pings and health checks are
// frequent, so they are logged at debug level.
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

// levelOf returns the log level of a request.
func levelOf(path string) slog.Level {
	_, isPing := pingurl.Cut(path)
	switch {
	case isPing, path == "/healthz", path == "/readyz", path == "/metrics":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// secretPathPattern matches the paths that end in a secret, in any letter case.
var secretPathPattern = regexp.MustCompile(`(?i)(/(?:reset|invitations|acknowledge)/).+`)

// tokenPattern matches what could be a secret elsewhere in a path: a long run of
// letters and digits. Names of the product have no upper case letters and no
// underscores.
var tokenPattern = regexp.MustCompile(`[\w.~-]{24,}`)

// maskPath shortens every id in a path to its first 8 characters: enough to
// find the heartbeat, not enough to ping. It removes the secrets of links, even
// if the path does not exist, because the secret may still be valid.
func maskPath(p string) string {
	p = pingid.Shorten(secretPathPattern.ReplaceAllString(path.Clean(p), "$1…"))
	return tokenPattern.ReplaceAllStringFunc(p, func(run string) string {
		if strings.ToLower(run) == run && !strings.Contains(run, "_") {
			return run
		}
		return run[:4] + "…"
	})
}

// responseRecorder records the status and size of a response.
type responseRecorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// statusOrOK returns the status of the response: 200 if the handler set none.
func (rec *responseRecorder) statusOrOK() int {
	if rec.status == 0 {
		return http.StatusOK
	}
	return rec.status
}

// WriteHeader records the first final status. 1xx responses are informational.
func (rec *responseRecorder) WriteHeader(status int) {
	if rec.status == 0 && status >= http.StatusOK {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes sent.
func (rec *responseRecorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.bytes += int64(n)
	return n, err
}

// Unwrap supports http.ResponseController.
func (rec *responseRecorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }
