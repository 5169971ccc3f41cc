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
	"overdue/internal/web/forms"
	"overdue/internal/web/live"
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

// Options are what the pages work with.
type Options struct {
	Service  *manage.Service
	People   *auth.People
	BaseURL  string // as browsers reach the pages, without a slash at its end
	Version  string // of the program
	Logger   *slog.Logger
	Feed     *live.Feed       // hears which heartbeats change; nil for one of its own
	AckLinks *manage.AckLinks // nil: links in alerts are not valid
	// ClientAddress is the address that a request came from.
	ClientAddress func(*http.Request) string
	// SendMail sends a letter of plain text; nil when no mail server is set.
	SendMail func(ctx context.Context, to, subject, text string) error
	// FormSecret is the secret that closes what forms bring back; empty for one of chance,
	// which no other node and no later start knows.
	FormSecret string
	// OpenAPI is the description of the API (OpenAPI), which the manual shows.
	OpenAPI func() ([]byte, error)
}

// Site answers everything that is for people. It is safe for concurrent use.
type Site struct {
	Options
	origin    string // of Base
	secure    bool   // Base is https
	navCounts countsCache
	mailSlots chan struct{} // as many as are under way
	sealer    forms.Sealer
	compress  func(http.Handler) http.HandlerFunc
	mux       *http.ServeMux
	resumeMux *http.ServeMux // pages and forms as a held form is shown in them
	handler   http.Handler
}

// New returns the pages. An error is a fault of the program or of Base.
func New(o Options) (*Site, error) {
	s := &Site{Options: o, mailSlots: make(chan struct{}, maxMailsInFlight)}
	if s.Feed == nil {
		s.Feed = &live.Feed{}
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("address of the pages: %q is no http URL", o.BaseURL)
	}
	s.origin, s.secure = base.Scheme+"://"+base.Host, base.Scheme == "https"
	// The jitter hides how much a page shrank, which could tell a secret on it
	// to who can choose a text beside it and watch the line.
	squeeze, err := gzhttp.NewWrapper(gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, fmt.Errorf("compression of pages: %w", err)
	}
	s.compress = squeeze
	if s.sealer, err = forms.NewSealer(o.FormSecret); err != nil {
		return nil, err
	}
	s.mux, s.resumeMux = http.NewServeMux(), http.NewServeMux()
	s.mux.Handle(static.Prefix, s.compress(static.Handler()))
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

// Patterns lists what the pages answer, each with its method.
func (s *Site) Patterns() []string {
	var all []string
	for _, rt := range s.routes() {
		all = append(all, rt.pattern)
	}
	return append(all, "GET "+static.Prefix)
}

// Host is the name that people know this installation by.
func (s *Site) host() string {
	return strings.TrimPrefix(strings.TrimPrefix(s.origin, "https://"), "http://")
}

// pingBase is what ping URLs start with, up to the id.
func (s *Site) pingBase() string { return s.BaseURL + "/api/v1/hb/" }
