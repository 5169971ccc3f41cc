package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/monitor"
	"overdue/internal/web/forms"
	"overdue/internal/web/present"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// shell is what surrounds the pages of somebody who is signed in. live is the
// path of the page's event stream, empty for a page at rest.
func (req *request) shell(live string) layout.Shell {
	s := layout.Shell{
		Clock: req.clock, Theme: req.theme(), LivePath: live, Version: req.site.Version,
		User:    layout.User{Name: req.person.Name, Email: req.person.Email, Role: req.actor.Role.String()},
		Project: layout.Project{ID: req.actor.Project.Slug, Name: req.actor.Project.Name},
	}
	s.Toast, s.UndoPath = req.site.People.Sessions.TakeFlash(req.ctx())
	around, err := req.site.Service.NavCounts(req.ctx(), req.actor)
	if err != nil && req.ctx().Err() == nil {
		// The page is worth more than the numbers around it.
		req.site.Logger.Error("surroundings of a page", "error", err, "request_id", httpd.RequestID(req.r))
	}
	s.Down, s.Unresolved, s.FailingChannels = around.DownHeartbeats, around.UnresolvedIncidents, around.FailingChannels
	for _, m := range req.person.Memberships {
		p := layout.Project{ID: m.Project.Slug, Name: m.Project.Name, Heartbeats: around.Heartbeats[m.Project.Key]}
		s.Projects = append(s.Projects, p)
		if p.ID == s.Project.ID {
			s.Project = p
		}
	}
	return s
}

// formValue is a field of the form as it was sent.
// A browser ends the lines of a text area with CR LF, everything else here with LF.
func (req *request) formValue(field string) string {
	return strings.ReplaceAll(req.r.PostForm.Get(field), "\r\n", "\n")
}

// The largest form that is read, in bytes. Only a person who is signed in sends
// long ones.
const (
	maxFormSize          = 256 << 10
	maxAnonymousFormSize = 64 << 10
	// maxHeldFormBody is for the pages that carry a held form through a sign-in.
	maxHeldFormBody = 2 * forms.MaxHeldFormSize
)

// formType is the one encoding of forms. Multipart is never read: it is for
// files, and net/http would write them to disk.
const formType = "application/x-www-form-urlencoded"

// hasBody reports whether the request may bring a form.
func (req *request) hasBody() bool {
	return req.r.Method != http.MethodGet && req.r.Method != http.MethodHead
}

// checkFormHeader rejects a form by its header, before anything is done for it.
func (req *request) checkFormHeader() error {
	if !req.hasBody() {
		return nil
	}
	given := req.r.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); (err != nil || kind != formType) && (given != "" || req.r.ContentLength != 0) {
		return httpd.NewProblem(http.StatusUnsupportedMediaType, "Send the form as "+formType+".").With("Accept-Post", formType)
	}
	if req.r.ContentLength > maxFormSize {
		return formTooLarge(maxFormSize)
	}
	return nil
}

// readForm reads the form, once: from here on its fields are in PostForm. How
// long that may take is the server's limit for every request.
func (req *request) readForm(rt route) error {
	if !req.hasBody() {
		return nil
	}
	limit := max(rt.maxForm, maxAnonymousFormSize)
	if req.person.SignedIn() {
		limit = maxFormSize
	}
	req.r.Body = http.MaxBytesReader(req.w, req.r.Body, limit)
	err := req.r.ParseForm()
	tooLarge, isTooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case err == nil:
		return nil
	case isTooLarge:
		return formTooLarge(min(limit, tooLarge.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return httpd.NewProblem(http.StatusRequestTimeout, "The form did not arrive in time. Check your connection, then send it again.")
	}
	return httpd.NewProblem(http.StatusBadRequest, "The form cannot be read: it is incomplete or not encoded as "+formType+". Send it again.")
}

// formTooLarge is the answer to a form above a limit.
func formTooLarge(limit int64) error {
	return httpd.NewProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The form is larger than %d kB, the maximum. Shorten it, then send it again.", limit>>10))
}

// selectValues returns the non-empty values of a query with these names.
func selectValues(q url.Values, names ...string) url.Values {
	kept := url.Values{}
	for _, name := range names {
		if value := q.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	return kept
}

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
	clock   ui.Clock
}

// newRequest begins one. Nobody is known to be signed in yet.
func (s *Site) newRequest(w http.ResponseWriter, r *http.Request) *request {
	now := time.Now().UTC().Truncate(monitor.Precision)
	return &request{w: w, r: r, context: r.Context(), site: s, now: now, clock: ui.Clock{Now: now, Zone: time.UTC}}
}

// ctx ends when the visitor leaves.
func (req *request) ctx() context.Context { return req.context }

// gate is what surrounds a page for someone who is not signed in.
func (req *request) signedOutShell() layout.SignedOutShell {
	return layout.SignedOutShell{Clock: req.clock, Theme: req.theme(), Version: req.site.Version}
}

// theme is what the visitor chose; the page makes sure that it is one.
func (req *request) theme() string {
	if c, err := req.r.Cookie("theme"); err == nil {
		return c.Value
	}
	return ""
}

// render answers 200 with a page.
func (req *request) render(c templ.Component) error { return req.renderStatus(http.StatusOK, c) }

// renderStatus answers with a page. It is drawn whole before anything is sent.
func (req *request) renderStatus(status int, c templ.Component) error {
	var page bytes.Buffer
	if err := c.Render(req.ctx(), &page); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	req.w.WriteHeader(status)
	_, _ = req.w.Write(page.Bytes()) // who left early need not be told
	return nil
}

// redirect leads the browser to another page of ours, with a GET (303).
func (req *request) redirect(path string) error {
	http.Redirect(req.w, req.r, path, http.StatusSeeOther)
	return nil
}

// toast keeps one short sentence for the next page. undo is the path of a POST
// that takes back what was done, empty when nothing can.
func (req *request) toast(text, undo string) {
	req.site.People.Sessions.SetFlash(req.ctx(), text, undo)
}

// csvFile returns a CSV response.
func (req *request) csvFile(name string, header []string) *present.CSVFile {
	return &present.CSVFile{W: req.w, R: req.r, Logger: req.site.Logger, Name: name, Header: header}
}
