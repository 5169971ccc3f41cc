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
	Desk    *manage.Desk
	People  *auth.People
	Base    string // as browsers reach the pages, without a slash at its end
	Version string // of the program
	Log     *slog.Logger
	Feed    *Feed         // hears which heartbeats change; nil for one of its own
	Links   *manage.Links // nil: links in alerts are not valid
	// Source is the address that a request came from.
	Source func(*http.Request) string
	// Mail sends a letter of plain text; nil when no mail server is set.
	Mail func(ctx context.Context, to, subject, text string) error
	// Seal is the secret that closes what forms bring back; empty for one of chance,
	// which no other node and no later start knows.
	Seal string
	// Document is the description of the API (OpenAPI), which the manual shows.
	Document func() ([]byte, error)
}

// Site answers everything that is for people. It is safe for concurrent use.
type Site struct {
	Options
	origin  string // of Base
	secure  bool   // Base is https
	counter counter
	errands chan struct{} // as many as are under way
	sealer  sealer
	squeeze func(http.Handler) http.HandlerFunc
	mux     *http.ServeMux
	again   *http.ServeMux // pages and forms as a held form is shown in them
	handler http.Handler
}

// New returns the pages. An error is a fault of the program or of Base.
func New(o Options) (*Site, error) {
	s := &Site{Options: o, errands: make(chan struct{}, mostErrands)}
	if s.Feed == nil {
		s.Feed = &Feed{}
	}
	base, err := url.Parse(o.Base)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("address of the pages: %q is no http URL", o.Base)
	}
	s.origin, s.secure = base.Scheme+"://"+base.Host, base.Scheme == "https"
	// The jitter hides how much a page shrank, which could tell a secret on it
	// to who can choose a text beside it and watch the line.
	squeeze, err := gzhttp.NewWrapper(gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, fmt.Errorf("compression of pages: %w", err)
	}
	s.squeeze = squeeze
	if s.sealer, err = newSealer(o.Seal); err != nil {
		return nil, err
	}
	s.mux, s.again = http.NewServeMux(), http.NewServeMux()
	s.mux.Handle(static.Prefix, s.squeeze(static.Handler()))
	for _, rt := range append(s.routes(), route{pattern: "/", needs: open, handle: nowhere}) {
		if err := s.mount(s.mux, rt); err != nil {
			return nil, err
		}
		s.mountInside(rt)
	}
	same, err := s.sameOrigin()
	if err != nil {
		return nil, err
	}
	s.handler = s.headers(same.Handler(s.mux))
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
func (s *Site) pingBase() string { return s.Base + "/api/v1/hb/" }
