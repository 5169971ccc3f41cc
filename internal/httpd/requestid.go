package httpd

import (
	"crypto/rand"
	"net/http"
	"regexp"
)

// requestIDHeader carries the request id both ways.
const requestIDHeader = "X-Request-Id"

// validRequestID is a request id of a client's own that can stand in a log line.
var validRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// RequestID returns the id of a request that went through [Handler].
func RequestID(r *http.Request) string { return r.Header.Get(requestIDHeader) }

// withRequestID makes sure that the request has a sane id, and that the answer
// tells it.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !validRequestID.MatchString(id) {
			id = rand.Text()[:16]
			r.Header.Set(requestIDHeader, id)
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r)
	})
}
