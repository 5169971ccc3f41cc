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
type handler func(*visit) error

// What a route needs besides the rights of auth. The zero Right is none of
// them, so that a route cannot be open by having been forgotten.
const (
	open     auth.Right = -1 // anybody, signed in or not
	signedIn auth.Right = -2 // any person, whatever they are in a project
)

// route is one line of the table of all that the pages answer.
type route struct {
	pattern string // as http.ServeMux takes it, with its method
	needs   auth.Right
	handle  handler
	stream  bool // an endless answer: neither compressed nor redirected
	// byPage marks what a page asks by itself, or gives out as a file: it is for
	// the project that the page names, whatever was opened in other tabs since.
	byPage bool
	// maxForm is the largest form in bytes that a visitor without a session may
	// send; 0: maxStrangerForm.
	maxForm int64
	// again shows the form of a POST as it was filled in, and changes nothing. Where
	// it is nil, the page that the form is on is filled in.
	again handler
}

// named finds what a pattern is about: "/incidents/{id}" names an incident.
var named = regexp.MustCompile(`/(heartbeats|incidents|channels)/\{(\w+)\}`)

// routes is the one table.
func (s *Site) routes() []route {
	return slices.Concat(
		s.accountRoutes(), s.peopleRoutes(), s.projectRoutes(), s.heartbeatRoutes(), s.incidentRoutes(), s.channelRoutes(),
		s.docRoutes(), s.liveRoutes(),
	)
}

// mount puts a route on the mux, with what each needs around it.
func (s *Site) mount(mux *http.ServeMux, rt route) error {
	if rt.needs == 0 || rt.handle == nil {
		return fmt.Errorf("route %s: it does not say what it needs or does", rt.pattern)
	}
	var h http.Handler = s.serve(rt)
	h = s.People.Sessions.Remember(h)
	if !rt.stream {
		h = s.squeeze(h)
	}
	mux.Handle(rt.pattern, h)
	return nil
}

// mountInside puts a route on the mux that held forms are shown by: pages, and
// forms as they were filled in. Both are asked within a session.
func (s *Site) mountInside(rt route) {
	switch {
	case rt.again != nil:
		rt.handle = rt.again
		s.again.Handle(rt.pattern, s.serve(rt))
	case strings.HasPrefix(rt.pattern, "GET ") && !rt.stream:
		s.again.Handle(rt.pattern, s.serve(rt))
	}
}

// serve runs a route.
func (s *Site) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := s.visit(w, r)
		err := v.run(rt)
		switch {
		case errors.Is(err, auth.ErrSignedOut):
			// The session was ended while this request was in progress.
			if err := v.ask(rt); err != nil {
				v.fail(err)
			}
		case err != nil:
			v.fail(err)
		}
	}
}

// run answers a visit.
func (v *visit) run(rt route) error {
	if err := v.checkForm(); err != nil {
		return err
	}
	admitted, err := v.enter(rt)
	if err != nil || !admitted {
		return err
	}
	if v.sends() && rt.needs != open {
		v.settle()
	}
	return rt.handle(v)
}
