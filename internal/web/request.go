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
	"overdue/internal/schedule"
	"overdue/internal/web/forms"
	"overdue/internal/web/present"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// request is the context of one HTTP request: the person, the project, the time and
// its zone.
type request struct {
	w http.ResponseWriter
	r *http.Request
	// context is the context of r, with the origin of the forms on the page.
	context context.Context
	site    *Site
	person  auth.Person // zero: not signed in
	actor   auth.Actor  // the person in the project of the page
	now     time.Time
	clock   ui.Clock
}

// newRequest returns a request that is not authenticated yet.
func (s *Site) newRequest(w http.ResponseWriter, r *http.Request) *request {
	now := s.Service.Now().Truncate(monitor.Precision)
	return &request{w: w, r: r, context: r.Context(), site: s, now: now, clock: ui.Clock{Now: now, Zone: time.UTC}}
}

// ctx returns the context, which is canceled when the browser disconnects.
func (req *request) ctx() context.Context { return req.context }

// signedOutShell returns what surrounds a page for a person who is not signed in.
func (req *request) signedOutShell() layout.SignedOutShell {
	return layout.SignedOutShell{Clock: req.clock, Theme: req.theme(), Version: req.site.Version}
}

// shell returns what surrounds a page of a signed-in person. live is the path of
// the event stream, empty for a page without one.
func (req *request) shell(live string) layout.Shell {
	s := layout.Shell{
		Clock: req.clock, Theme: req.theme(), LivePath: live, Version: req.site.Version,
		User:    layout.User{Name: req.person.Name, Email: req.person.Email, Role: req.actor.Role.String()},
		Project: layout.Project{ID: req.actor.Project.Slug, Name: req.actor.Project.Name},
	}
	s.Toast, s.UndoPath = req.site.People.Sessions.TakeFlash(req.ctx())
	around, err := req.site.Service.NavCounts(req.ctx(), req.actor)
	if err != nil && req.ctx().Err() == nil {
		// The page is useful without the numbers in the sidebar.
		req.site.Logger.Error("navigation counts not read", "component", "web", "error", err, "request_id", httpd.RequestID(req.r))
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

// theme returns the theme of the cookie. The page checks that it is valid.
func (req *request) theme() string {
	if c, err := req.r.Cookie("theme"); err == nil {
		return c.Value
	}
	return ""
}

// browserZone returns the time zone of the browser, which the script of the pages keeps in
// a cookie, or "".
func (req *request) browserZone() string {
	c, err := req.r.Cookie("zone")
	if err != nil || c.Value == "" {
		return ""
	}
	zone, err := schedule.CanonicalZone(c.Value)
	if err != nil {
		return ""
	}
	return zone
}

// render answers with a page and status 200.
func (req *request) render(c templ.Component) error { return req.renderStatus(http.StatusOK, c) }

// renderStatus answers with a page. It renders the whole page before it sends the
// status.
func (req *request) renderStatus(status int, c templ.Component) error {
	var page bytes.Buffer
	if err := c.Render(req.ctx(), &page); err != nil {
		return fmt.Errorf("page: render: %w", err)
	}
	req.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	req.w.WriteHeader(status)
	_, _ = req.w.Write(page.Bytes()) // fails if the browser disconnected
	return nil
}

// redirect sends the browser to another page with GET (303).
func (req *request) redirect(path string) error {
	http.Redirect(req.w, req.r, path, http.StatusSeeOther)
	return nil
}

// toast keeps one short sentence for the next page. undo is the path of the POST
// that undoes the action, with its form as the query, or "".
func (req *request) toast(text, undo string) {
	req.site.People.Sessions.SetFlash(req.ctx(), text, undo)
}

// csvFile returns a CSV response.
func (req *request) csvFile(name string, header []string) *present.CSVFile {
	return &present.CSVFile{W: req.w, R: req.r, Logger: req.site.Logger, Name: name, Header: header}
}

// formValue returns a field of the form. Browsers send line breaks of a text area
// as CR LF; it returns LF.
func (req *request) formValue(field string) string {
	return strings.ReplaceAll(req.r.PostForm.Get(field), "\r\n", "\n")
}

// The maximum size of a form, in bytes. Only signed-in people send long forms.
const (
	maxFormSize          = 256 << 10
	maxAnonymousFormSize = 64 << 10
	// maxHeldFormBody applies to pages that carry a held form through a sign-in.
	maxHeldFormBody = 2 * forms.MaxHeldFormSize
)

// formType is the only accepted encoding. Multipart is for files, which net/http
// would write to disk.
const formType = "application/x-www-form-urlencoded"

// hasBody reports whether the request can have a form.
func (req *request) hasBody() bool {
	return req.r.Method != http.MethodGet && req.r.Method != http.MethodHead
}

// checkFormHeader rejects a form by its header, before any other work.
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

// readForm parses the form into PostForm. It is the only place that does. The
// server limits the time.
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

// formTooLarge returns the error of a form above a limit.
func formTooLarge(limit int64) error {
	return httpd.NewProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The form is larger than %d kB, the maximum. Shorten it, then send it again.", limit>>10))
}

// selectValues returns the non-empty values of a query with these names.
func selectValues(q url.Values, names ...string) url.Values {
	kept := url.Values{}
	for _, name := range names {
		for _, value := range q[name] {
			if value != "" {
				kept.Add(name, value)
			}
		}
	}
	return kept
}
