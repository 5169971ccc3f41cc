package app

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// requireToken lets only those in who have the token, as a bearer (RFC 6750, 2.1); an
// empty token lets everybody in. The comparison takes the same time whatever was
// sent, its length too.
func requireToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			writeText(w, http.StatusUnauthorized, "the metrics want their token: Authorization: Bearer …, as set with --metrics-token")
			return
		}
		next.ServeHTTP(w, r)
	})
}
