// Package web serves the pages for people. It takes requests of browsers, calls
// package manage or auth, and answers with pages of package view.
//
//	request ─▶ headers ─▶ same origin? ─▶ session ─▶ route: person, project, right
//	                                                    │
//	              view ◀─ present ◀─ handler ─▶ manage.Service, auth.People
//	                                    └─▶ *monitor.Fault ─▶ the form again, or an error page
//
// Package manage decides what is valid and who may do it; package view decides how a
// page looks. Package web never reads the database.
//
// Invariants:
//
//   - one table has all routes, and every route names the right that it needs; the
//     server does not start with a route without one;
//   - a GET changes nothing, and a POST from another origin is rejected;
//   - a page is rendered before the first byte is sent;
//   - a page loads nothing from another origin, and contains no inline script.
package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/pingurl"
	"overdue/internal/web/forms"
	"overdue/internal/web/live"
	"overdue/internal/web/static"
)

// Options are the dependencies and settings of the pages.
type Options struct {
	Service  *manage.Service
	People   *auth.People
	BaseURL  string // public address of the pages, without a slash at the end
	Version  string // of the program
	Logger   *slog.Logger
	Feed     *live.Feed       // receives changes of heartbeats; nil: a new one
	AckLinks *manage.AckLinks // nil: acknowledge links are not valid
	// ClientAddress returns the client address of a request.
	ClientAddress func(*http.Request) string
	// SendMail sends a plain text email; nil: no mail server is configured.
	SendMail func(ctx context.Context, to, subject, text string) error
	// FormSecret is the secret that encrypts hidden form values. If it is empty, a random
	// secret is used, which other nodes and the next start do not know.
	FormSecret string
	// OpenAPI returns the OpenAPI document, which the manual shows.
	OpenAPI func() ([]byte, error)
	// ServerStatus returns what this node knows about itself; nil: nothing.
	ServerStatus func(ctx context.Context) (ServerStatus, error)
}

// Site serves all pages for people. It is safe for concurrent use.
type Site struct {
	Options
	origin    string                              // of BaseURL
	secure    bool                                // BaseURL is https
	navCounts recent[int64, manage.ProjectCounts] // by project
	roles     recent[sessionProject, sessionRole]
	mailSlots chan struct{} // holds one element for each email in flight
	sealer    forms.Sealer
	compress  func(http.Handler) http.HandlerFunc
	mux       *http.ServeMux
	resumeMux *http.ServeMux // shows held forms, see mountResume
	handler   http.Handler
}

// New returns the site. It fails if the base URL or a route is invalid.
func New(o Options) (*Site, error) {
	s := &Site{Options: o, mailSlots: make(chan struct{}, maxMailsInFlight)}
	if s.Feed == nil {
		s.Feed = &live.Feed{}
	}
	s.Feed.Fingerprints = s.fingerprints
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("base URL: %q is not an http URL", o.BaseURL)
	}
	s.origin, s.secure = base.Scheme+"://"+base.Host, base.Scheme == "https"
	// The jitter hides the compressed size. It could reveal a secret on a page to an
	// attacker who controls other text on it and observes the connection (BREACH).
	compress, err := gzhttp.NewWrapper(gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, fmt.Errorf("compression: %w", err)
	}
	s.compress = compress
	if s.sealer, err = forms.NewSealer(o.FormSecret); err != nil {
		return nil, err
	}
	s.mux, s.resumeMux = http.NewServeMux(), http.NewServeMux()
	s.mux.Handle(static.Prefix, s.compress(static.Handler()))
	for path, name := range static.RootFiles {
		s.mux.Handle("GET "+path, static.RootHandler(name))
	}
	for _, rt := range append(s.routes(), route{pattern: "/", right: anyone, handle: notFound}) {
		if err := s.mount(s.mux, rt); err != nil {
			return nil, err
		}
		s.mountResume(rt)
	}
	same, err := s.crossOriginProtection()
	if err != nil {
		return nil, err
	}
	s.handler = s.securityHeaders(same.Handler(s.mux))
	return s, nil
}

// ServeHTTP answers a request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Patterns returns the patterns of all routes, with their methods.
func (s *Site) Patterns() []string {
	var all []string
	for _, rt := range s.routes() {
		all = append(all, rt.pattern)
	}
	return append(all, "GET "+static.Prefix)
}

// host returns the host of the base URL, with its port.
func (s *Site) host() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.origin, "https://"), "http://")
}

// pingBase returns the start of all ping URLs, up to the id.
func (s *Site) pingBase() string { return pingurl.For(s.BaseURL, "") }

// contentSecurityPolicy allows a page to load from and send to its own origin only,
// and forbids frames. Nothing in it is "unsafe".
const contentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

// permissionsPolicy disables browser features that no page uses.
const permissionsPolicy = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"

// securityHeaders adds the security headers to every response.
func (s *Site) securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		// With "no-referrer", browsers send Origin: null over plain HTTP, and every form
		// would be rejected.
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

// crossOriginProtection rejects forms that another site sends.
func (s *Site) crossOriginProtection() (*http.CrossOriginProtection, error) {
	same := http.NewCrossOriginProtection()
	// A proxy may change the Host header, so the public origin is trusted too.
	if err := same.AddTrustedOrigin(s.origin); err != nil {
		return nil, fmt.Errorf("base URL: trusted origin: %w", err)
	}
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.newRequest(w, r).renderError(httpd.NewProblem(http.StatusForbidden, "This form was sent from another site, so nothing was changed."))
	}))
	return same, nil
}
