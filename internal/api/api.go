package api

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
)

// Prefix is where the API lives.
const Prefix = "/api/v1"

// documentPath is where the OpenAPI document is, below Prefix.
const documentPath = "/openapi.json"

// Options are what the API is made of.
type Options struct {
	Service *manage.Service
	Keys    *auth.Keys
	// ClientAddress returns the address that a request came from, for the audit log.
	ClientAddress func(*http.Request) string
	// BaseURL is the address under which clients reach this server, without a
	// slash at its end. Ping URLs begin with it.
	BaseURL string
	// Version is that of the program, for the document.
	Version string
	Log     *slog.Logger
}

// API answers all requests under [Prefix] but the pings.
type API struct {
	Options
	mux     *mux
	huma    huma.API
	openAPI func() ([]byte, error)
}

// New returns the API. Mount it at /api/v1/, beside the more specific
// /api/v1/hb/ of the pings.
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
	a.channelRoutes()
	a.documentPings()
	a.completeDocument()
	// Marshalled once, when somebody first asks.
	a.openAPI = sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	a.mux.HandleFunc("GET "+Prefix+documentPath, a.serveDocument)
	return a
}

// ServeHTTP answers a request. The mux's own answers to unknown paths are plain
// text, so those are given here.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refusal, pattern := a.mux.Handler(r)
	if pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	said := statusRecorder{header: http.Header{}}
	refusal.ServeHTTP(&said, r)
	if said.status == http.StatusMethodNotAllowed {
		allowed := said.header.Get("Allow")
		httpd.NewProblem(said.status, "This path does not take "+shortenEcho(r.Method)+". It takes: "+allowed+".").With("Allow", allowed).Write(w, r)
		return
	}
	httpd.NewProblem(http.StatusNotFound, "There is no such path in the API. "+Prefix+documentPath+" lists all there are.").Write(w, r)
}

// statusRecorder catches what the mux would have answered.
type statusRecorder struct {
	header http.Header
	status int
}

// Header, WriteHeader and Write make it an http.ResponseWriter.
func (a *statusRecorder) Header() http.Header         { return a.header }
func (a *statusRecorder) WriteHeader(status int)      { a.status = status }
func (a *statusRecorder) Write(b []byte) (int, error) { return len(b), nil }

// serveDocument answers with the OpenAPI document.
func (a *API) serveDocument(w http.ResponseWriter, r *http.Request) {
	document, err := a.openAPI()
	if err != nil {
		a.Log.Error("OpenAPI document", "error", err, "request_id", httpd.RequestID(r))
		httpd.InternalError().Write(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document) // who left early need not be told
}
