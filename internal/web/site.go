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
	"overdue/internal/manage"
	"overdue/internal/web/static"
)

// Options are what the pages work with.
type Options struct {
	Service  *manage.Service
	People   *auth.People
	BaseURL  string // as browsers reach the pages, without a slash at its end
	Version  string // of the program
	Logger   *slog.Logger
	Feed     *Feed            // hears which heartbeats change; nil for one of its own
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
	sealer    Sealer
	compress  func(http.Handler) http.HandlerFunc
	mux       *http.ServeMux
	resumeMux *http.ServeMux // pages and forms as a held form is shown in them
	handler   http.Handler
}

// New returns the pages. An error is a fault of the program or of Base.
func New(o Options) (*Site, error) {
	s := &Site{Options: o, mailSlots: make(chan struct{}, maxMailsInFlight)}
	if s.Feed == nil {
		s.Feed = &Feed{}
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
	if s.sealer, err = NewSealer(o.FormSecret); err != nil {
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
