package web

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"overdue/internal/monitor"
	"overdue/internal/web/forms"
	"overdue/internal/web/view/accountview"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// notHeld are fields that a held form omits. Passwords are typed again; the page
// renders the others.
var notHeld = []string{
	"password", "old_password", "new_password", ui.HeldFormField, ui.OriginProjectField, ui.OriginPersonField, ui.OriginPageField,
}

// heldForm returns the submitted form of this request.
func (req *request) heldForm() forms.HeldForm {
	d := forms.HeldForm{
		Path: req.r.URL.RequestURI(), Page: safeRedirect(req.formValue(ui.OriginPageField)), Project: req.formValue(ui.OriginProjectField),
		Person: req.formValue(ui.OriginPersonField), Values: url.Values{},
	}
	maps.Copy(d.Values, req.r.PostForm)
	for _, name := range notHeld {
		d.Values.Del(name)
	}
	return d
}

// sortedNames returns the names of the fields, sorted.
func sortedNames(values url.Values) []string { return slices.Sorted(maps.Keys(values)) }

// renderSignedOut answers a form without a session with the sign-in page, which
// carries the form.
func (req *request) renderSignedOut() error {
	p := accountview.SignInPage{SignedOutShell: req.signedOutShell(), Host: req.site.host(), CanMailReset: req.site.SendMail != nil}
	sealed, tooLong := req.site.sealer.SealHeldForm(req.heldForm(), req.now)
	p.HeldForm = sealed
	p.Notice = formKeptNotice
	if tooLong {
		p.Notice = "You were signed out; sign in to continue. Your input is too long to keep: go back and copy it first."
	}
	return req.renderStatus(http.StatusUnauthorized, accountview.SignIn(p))
}

// formKeptNotice is the notice of a sign-in page that carries a form.
const formKeptNotice = "You were signed out; sign in to continue. Your input is kept."

// resumeHeldForm shows a held form again, filled in. It changes nothing: the person
// must submit the form again.
func resumeHeldForm(req *request) error {
	text := req.formValue(ui.HeldFormField)
	d, ok := req.site.sealer.OpenHeldForm(text, req.now)
	switch {
	case !req.person.SignedIn() && ok:
		return req.renderStatus(http.StatusUnauthorized, accountview.SignIn(accountview.SignInPage{
			SignedOutShell: req.signedOutShell(), Host: req.site.host(), CanMailReset: req.site.SendMail != nil, HeldForm: text, Notice: formKeptNotice,
		}))
	case !req.person.SignedIn():
		return req.redirect(paths.SignIn)
	case !ok:
		return req.discardForm("The form was discarded because it is more than a day old. Nothing was changed.")
	case d.Person != req.person.ID:
		return req.discardForm("The form was discarded because another person filled it in. Nothing was changed.")
	}
	if key := parseProjectID(d.Project); key != 0 {
		there := req.person.Actor(key, req.clientAddress())
		if there.Role == 0 {
			return req.discardForm("The form was discarded because you no longer belong to its project. Nothing was changed.")
		}
		req.site.People.Sessions.SelectProject(req.ctx(), there.Project.Slug)
	}
	return req.renderHeldForm(d)
}

// discardForm tells the person why a form was discarded.
func (req *request) discardForm(why string) error {
	req.toast(why, "")
	return req.redirect(paths.Heartbeats)
}

// renderHeldForm shows the page of a held form, filled in.
func (req *request) renderHeldForm(d forms.HeldForm) error {
	if page := req.serveInternally(http.MethodPost, d.Path, d); page.status == http.StatusOK {
		return req.writeFilledPage(page, page.body.Bytes(), layout.RestoredForm(layout.RestoredFormNote{Typed: true}))
	}
	asks := len(submittedLines(d.Values)) > 0 || len(d.Values) > 0
	var shown *bufferedResponse
	for _, address := range []string{d.Page, withoutQuery(d.Path)} {
		page := req.serveInternally(http.MethodGet, address, d)
		if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			continue
		}
		if body, found := forms.FillForm(page.body.Bytes(), d.Path, d.Values); found {
			return req.writeFilledPage(page, body, layout.RestoredForm(layout.RestoredFormNote{Typed: asks}))
		}
		if shown == nil {
			shown = page
		}
	}
	if shown == nil {
		return monitor.Faultf(monitor.NotFound, "", "The page with the form no longer exists, so nothing was changed.")
	}
	return req.writeFilledPage(shown, shown.body.Bytes(), layout.RestoredForm(layout.RestoredFormNote{FormMissing: true, Values: submittedLines(d.Values)}))
}

// withoutQuery removes the query from an address.
func withoutQuery(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

// writeFilledPage sends the page of another route, with a note at the beginning.
func (req *request) writeFilledPage(page *bufferedResponse, body []byte, note templ.Component) error {
	var words bytes.Buffer
	if err := note.Render(req.ctx(), &words); err != nil {
		return fmt.Errorf("held form: render note: %w", err)
	}
	for name, values := range page.header {
		req.w.Header()[name] = values
	}
	req.w.WriteHeader(http.StatusOK)
	_, _ = req.w.Write(forms.InsertIntoMain(body, words.Bytes())) // fails if the browser disconnected
	return nil
}

// bufferedResponse holds the response of another route, to be changed.
type bufferedResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (i *bufferedResponse) Header() http.Header { return i.header }

func (i *bufferedResponse) WriteHeader(status int) {
	if i.status == 0 {
		i.status = status
	}
}

func (i *bufferedResponse) Write(b []byte) (int, error) {
	i.WriteHeader(http.StatusOK)
	return i.body.Write(b)
}

// serveInternally serves another route in the session of this request. A POST
// reaches only routes that show their form again and change nothing.
func (req *request) serveInternally(method, address string, d forms.HeldForm) *bufferedResponse {
	answer := &bufferedResponse{header: http.Header{}}
	u, err := url.Parse(safeRedirect(address))
	if err != nil {
		answer.status = http.StatusNotFound
		return answer
	}
	r := req.r.Clone(req.r.Context())
	r.Method, r.URL, r.RequestURI, r.Pattern = method, u, u.RequestURI(), ""
	r.Body, r.Form, r.PostForm, r.MultipartForm = http.NoBody, nil, nil, nil
	if method == http.MethodPost {
		r.PostForm = url.Values{ui.OriginProjectField: {d.Project}, ui.OriginPersonField: {d.Person}, ui.OriginPageField: {d.Page}}
		for name, values := range d.Values {
			r.PostForm[name] = values
		}
		r.Form = r.PostForm
	}
	req.site.resumeMux.ServeHTTP(answer, r)
	return answer
}
