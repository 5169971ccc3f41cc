package web

import (
	"fmt"
	"net/http"
	"strings"

	"overdue/internal/httpd"
	"overdue/internal/web/static"
)

// contentSecurityPolicy lets a page load and send to its own origin alone, and be framed by
// nobody. Nothing in it is "unsafe".
const contentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

// permissionsPolicy are the powers of a browser that no page has a use for.
const permissionsPolicy = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"

// securityHeaders puts on every answer what keeps a browser from doing more with it
// than showing it.
func (s *Site) securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		// "no-referrer" would make browsers send Origin: null over plain HTTP,
		// and every form would be refused.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Permissions-Policy", permissionsPolicy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.HasPrefix(r.URL.Path, static.Prefix) {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// crossOriginProtection refuses what another site makes a browser send.
func (s *Site) crossOriginProtection() (*http.CrossOriginProtection, error) {
	same := http.NewCrossOriginProtection()
	// A proxy may change the Host on the way; the public address is ours.
	if err := same.AddTrustedOrigin(s.origin); err != nil {
		return nil, fmt.Errorf("address of the pages: %w", err)
	}
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.newRequest(w, r).renderError(httpd.NewProblem(http.StatusForbidden, "This form was sent from another site, so nothing was changed."))
	}))
	return same, nil
}
