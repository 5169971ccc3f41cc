package api

import (
	"net/http"
	"strings"
)

// mux keeps the paths of slugs apart from those of ids: for one ServeMux,
// /heartbeats/by-slug/{slug} and /heartbeats/{id}/pings contradict each other.
type mux struct{ bySlug, byID http.ServeMux }

// muxFor returns the part that a path or a pattern belongs to.
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

// Handler returns the handler of a request and its pattern, which is empty if the
// handler is an error.
func (m *mux) Handler(r *http.Request) (http.Handler, string) { return m.muxFor(r.URL.Path).Handler(r) }

// ServeHTTP serves a request.
func (m *mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.muxFor(r.URL.Path).ServeHTTP(w, r) }
