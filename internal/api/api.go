package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/safetext"
)

// Prefix is the path of the API.
const Prefix = "/api/v1"

// documentPath is the path of the OpenAPI document, below Prefix.
const documentPath = "/openapi.json"

// Options configures the API.
type Options struct {
	Service *manage.Service
	Keys    *auth.Keys
	// ClientAddress returns the address of the client, for the audit log.
	ClientAddress func(*http.Request) string
	// BaseURL is the public address of the server, without a trailing slash. Ping URLs
	// begin with it.
	BaseURL string
	// Version is the version of the program, for the OpenAPI document.
	Version string
	Log     *slog.Logger
}

// API serves all requests below [Prefix] except pings.
type API struct {
	Options
	mux     *mux
	huma    huma.API
	openAPI func() ([]byte, error)
}

// New returns the API. Mount it at /api/v1/, with the more specific /api/v1/hb/ of the
// pings.
func New(o Options) http.Handler { return httpd.APIHeaders(build(o)) }

// build registers every endpoint.
func build(o Options) *API {
	a := &API{Options: o, mux: &mux{}}
	a.huma = humago.NewWithPrefix(a.mux, Prefix, a.config())
	a.huma.UseMiddleware(a.authenticate, requireJSON)
	a.heartbeatRoutes()
	a.scheduleRoutes()
	a.pingRoutes()
	a.incidentRoutes()
	a.groupRoutes()
	a.blackoutRoutes()
	a.channelRoutes()
	a.policyRoutes()
	a.maintenanceRoutes()
	a.nodeRoutes()
	a.documentPings()
	a.completeDocument()
	// The document is encoded once, for the first request.
	a.openAPI = sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	a.mux.HandleFunc("GET "+Prefix+documentPath, a.serveDocument)
	return a
}

// ServeHTTP serves a request. The answers of the mux to unknown paths are plain text, so
// they are replaced by problems.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	recorder := statusRecorder{header: http.Header{}}
	handler.ServeHTTP(&recorder, r)
	if recorder.status == http.StatusMethodNotAllowed {
		allowed := recorder.header.Get("Allow")
		httpd.NewProblem(recorder.status, "This path does not support "+safetext.Shorten(r.Method, maxEcho)+". Supported: "+allowed+".").With("Allow", allowed).Write(w, r)
		return
	}
	httpd.NewProblem(http.StatusNotFound, "There is no such path in the API. "+Prefix+documentPath+" lists all paths.").Write(w, r)
}

// statusRecorder records the error response of the mux.
type statusRecorder struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (a *statusRecorder) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *statusRecorder) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *statusRecorder) Write(b []byte) (int, error) { return len(b), nil }

// serveDocument serves the OpenAPI document.
func (a *API) serveDocument(w http.ResponseWriter, r *http.Request) {
	document, err := a.openAPI()
	if err != nil {
		a.Log.Error("OpenAPI document not encoded", "error", err, "request_id", httpd.RequestID(r))
		httpd.InternalError().Write(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document) // the client may have disconnected
}

// mux separates the paths of slugs from those of ids: in one ServeMux,
// /heartbeats/by-slug/{slug} and /heartbeats/{id}/pings conflict.
type mux struct{ bySlug, byID http.ServeMux }

// muxFor returns the ServeMux of a path or a pattern.
func (m *mux) muxFor(path string) *http.ServeMux {
	if strings.Contains(path, "/by-slug/") {
		return &m.bySlug
	}
	return &m.byID
}

// HandleFunc registers a handler.
func (m *mux) HandleFunc(pattern string, handle func(http.ResponseWriter, *http.Request)) {
	m.muxFor(pattern).HandleFunc(pattern, handle)
}

// Handler returns the handler of a request and its pattern. The pattern is empty if the
// handler is an error.
func (m *mux) Handler(r *http.Request) (http.Handler, string) { return m.muxFor(r.URL.Path).Handler(r) }

// ServeHTTP serves a request.
func (m *mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.muxFor(r.URL.Path).ServeHTTP(w, r) }
