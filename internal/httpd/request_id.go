package httpd

import (
	"crypto/rand"
	"net/http"
	"regexp"
)

// requestIDHeader holds the request id in requests and responses.
const requestIDHeader = "X-Request-Id"

// validRequestID matches request ids of clients that are safe in a log line.
var validRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// RequestID returns the id of a request that went through [Handler].
func RequestID(r *http.Request) string { return r.Header.Get(requestIDHeader) }

// withRequestID sets the request id of the request and the response. It keeps a
// valid id of the client.
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
