package web

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"overdue/internal/auth"
)

// handler answers one request. A monitor.Fault is an error of the person; any other
// error is ours.
type handler func(*request) error

// Rights of routes in addition to those of auth. The zero Right is not valid, so a
// route cannot be public by omission.
const (
	anyone   auth.Right = -1 // signed in or not
	signedIn auth.Right = -2 // every person, with any role
)

// route is one entry of the route table.
type route struct {
	pattern  string // of http.ServeMux, with the method
	right    auth.Right
	handle   handler
	isStream bool // not compressed and not redirected
	// projectInQuery marks streams, previews and files. They belong to the project that
	// the page names, even if another tab has selected another project since.
	projectInQuery bool
	// maxForm is the maximum size in bytes of a form that is sent without a session.
	// The default is maxAnonymousFormSize.
	maxForm int64
	// renderForm shows the submitted form of a POST again, and changes nothing. If it is
	// nil, the HTML of the form's page is filled in instead.
	renderForm handler
}

// resourcePattern finds the resource in a pattern: "/incidents/{id}" names an
// incident.
var resourcePattern = regexp.MustCompile(`/(heartbeats|incidents|channels)/\{(\w+)\}`)

// routes returns the route table.
func (s *Site) routes() []route {
	return slices.Concat(
		s.accountRoutes(), s.peopleRoutes(), s.projectRoutes(), s.heartbeatRoutes(), s.incidentRoutes(), s.channelRoutes(), s.policyRoutes(),
		s.docRoutes(), s.serverRoutes(), s.liveRoutes(),
	)
}

// mount adds a route to the mux, with its middleware.
func (s *Site) mount(mux *http.ServeMux, rt route) error {
	if rt.right == 0 || rt.handle == nil {
		return fmt.Errorf("route %s: no right or no handler", rt.pattern)
	}
	var h http.Handler = s.serve(rt)
	h = s.People.Sessions.Middleware(h)
	if !rt.isStream {
		h = s.compress(h)
	}
	mux.Handle(rt.pattern, h)
	return nil
}

// mountResume adds a route to the mux that shows held forms: pages, and submitted
// forms. It is called within a session.
func (s *Site) mountResume(rt route) {
	switch {
	case rt.renderForm != nil:
		rt.handle = rt.renderForm
		s.resumeMux.Handle(rt.pattern, s.serve(rt))
	case strings.HasPrefix(rt.pattern, "GET ") && !rt.isStream:
		s.resumeMux.Handle(rt.pattern, s.serve(rt))
	}
}

// serve returns the HTTP handler of a route.
func (s *Site) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req := s.newRequest(w, r)
		err := req.run(rt)
		switch {
		case errors.Is(err, auth.ErrSignedOut):
			// The session was ended while this request was in progress.
			if err := req.requireSignIn(rt); err != nil {
				req.renderError(err)
			}
		case err != nil:
			req.renderError(err)
		}
	}
}

// run answers the request.
func (req *request) run(rt route) error {
	if err := req.checkFormHeader(); err != nil {
		return err
	}
	admitted, err := req.authenticate(rt)
	if err != nil || !admitted {
		return err
	}
	if req.hasBody() && rt.right != anyone {
		req.applyChoices()
	}
	return rt.handle(req)
}
