package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// request is one request: who asks, in which project, in which words of time.
type request struct {
	w http.ResponseWriter
	r *http.Request
	// context is that of the request, with what the forms of the page say.
	context context.Context
	site    *Site
	person  auth.Person // zero when nobody is signed in
	actor   auth.Actor  // for the project being looked at
	now     time.Time
	clock   view.Clock
}

// newRequest begins one. Nobody is known to be signed in yet.
func (s *Site) newRequest(w http.ResponseWriter, r *http.Request) *request {
	now := time.Now().UTC().Truncate(monitor.Precision)
	return &request{w: w, r: r, context: r.Context(), site: s, now: now, clock: view.Clock{Now: now, Zone: time.UTC}}
}

// ctx ends when the visitor leaves.
func (v *request) ctx() context.Context { return v.context }

// gate is what surrounds a page for someone who is not signed in.
func (v *request) gate() view.SignedOutShell {
	return view.SignedOutShell{Clock: v.clock, Theme: v.theme(), Version: v.site.Version}
}

// theme is what the visitor chose; the page makes sure that it is one.
func (v *request) theme() string {
	if c, err := v.r.Cookie("theme"); err == nil {
		return c.Value
	}
	return ""
}

// render answers 200 with a page.
func (v *request) render(c templ.Component) error { return v.renderStatus(http.StatusOK, c) }

// renderStatus answers with a page. It is drawn whole before anything is sent.
func (v *request) renderStatus(status int, c templ.Component) error {
	var page bytes.Buffer
	if err := c.Render(v.ctx(), &page); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(page.Bytes()) // who left early need not be told
	return nil
}

// redirect leads the browser to another page of ours, with a GET (303).
func (v *request) redirect(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// toast keeps one short sentence for the next page. undo is the path of a POST
// that takes back what was done, empty when nothing can.
func (v *request) toast(text, undo string) {
	v.site.People.Sessions.SetFlash(v.ctx(), text, undo)
}
