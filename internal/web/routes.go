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

// handler answers one visit. A fault is the visitor's, any other error ours.
type handler func(*request) error

// What a route needs besides the rights of auth. The zero Right is none of
// them, so that a route cannot be open by having been forgotten.
const (
	anyone   auth.Right = -1 // anybody, signed in or not
	signedIn auth.Right = -2 // any person, whatever they are in a project
)

// route is one line of the table of all that the pages answer.
type route struct {
	pattern  string // as http.ServeMux takes it, with its method
	right    auth.Right
	handle   handler
	isStream bool // an endless answer: neither compressed nor redirected
	// projectInQuery marks what a page asks by itself, or gives out as a file: it is for
	// the project that the page names, whatever was opened in other tabs since.
	projectInQuery bool
	// maxFormSize is the largest form in bytes that a visitor without a session may
	// send; 0: maxAnonymousFormSize.
	maxForm int64
	// renderForm shows the form of a POST as it was filled in, and changes nothing. Where
	// it is nil, the page that the form is on is filled in.
	renderForm handler
}

// resourcePattern finds what a pattern is about: "/incidents/{id}" names an incident.
var resourcePattern = regexp.MustCompile(`/(heartbeats|incidents|channels)/\{(\w+)\}`)

// routes is the one table.
func (s *Site) routes() []route {
	return slices.Concat(
		s.accountRoutes(), s.peopleRoutes(), s.projectRoutes(), s.heartbeatRoutes(), s.incidentRoutes(), s.channelRoutes(),
		s.docRoutes(), s.liveRoutes(),
	)
}

// mount puts a route on the mux, with what each needs around it.
func (s *Site) mount(mux *http.ServeMux, rt route) error {
	if rt.right == 0 || rt.handle == nil {
		return fmt.Errorf("route %s: it does not say what it needs or does", rt.pattern)
	}
	var h http.Handler = s.serve(rt)
	h = s.People.Sessions.Middleware(h)
	if !rt.isStream {
		h = s.compress(h)
	}
	mux.Handle(rt.pattern, h)
	return nil
}

// mountResume puts a route on the mux that held forms are shown by: pages, and
// forms as they were filled in. Both are asked within a session.
func (s *Site) mountResume(rt route) {
	switch {
	case rt.renderForm != nil:
		rt.handle = rt.renderForm
		s.resumeMux.Handle(rt.pattern, s.serve(rt))
	case strings.HasPrefix(rt.pattern, "GET ") && !rt.isStream:
		s.resumeMux.Handle(rt.pattern, s.serve(rt))
	}
}

// serve runs a route.
func (s *Site) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := s.newRequest(w, r)
		err := v.run(rt)
		switch {
		case errors.Is(err, auth.ErrSignedOut):
			// The session was ended while this request was in progress.
			if err := v.requireSignIn(rt); err != nil {
				v.renderError(err)
			}
		case err != nil:
			v.renderError(err)
		}
	}
}

// run answers a visit.
func (v *request) run(rt route) error {
	if err := v.checkFormHeader(); err != nil {
		return err
	}
	admitted, err := v.authenticate(rt)
	if err != nil || !admitted {
		return err
	}
	if v.hasBody() && rt.right != anyone {
		v.applyChoices()
	}
	return rt.handle(v)
}
