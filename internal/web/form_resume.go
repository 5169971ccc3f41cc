package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// resumeStashedForm shows a held form again, filled in. It changes nothing: the person must
// submit it again.
func resumeStashedForm(v *request) error {
	text := v.formValue(view.HeldFormField)
	d, ok := v.site.unstash(text, v.now)
	switch {
	case !v.person.SignedIn() && ok:
		return v.renderStatus(http.StatusUnauthorized, view.SignIn(view.SignInPage{
			SignedOutShell: v.gate(), Host: v.site.host(), CanMailReset: v.site.SendMail != nil, HeldForm: text, Notice: formKeptNotice,
		}))
	case !v.person.SignedIn():
		return v.redirect(view.SignInPath)
	case !ok:
		return v.discardForm("The form was discarded because it is more than a day old. Nothing was changed.")
	case d.Person != v.person.ID:
		return v.discardForm("The form was discarded because another person filled it in. Nothing was changed.")
	}
	if key := parseProjectID(d.Project); key != 0 {
		there := v.person.Actor(key, v.clientAddress())
		if there.Role == 0 {
			return v.discardForm("The form was discarded because you no longer belong to its project. Nothing was changed.")
		}
		v.site.People.Sessions.SelectProject(v.ctx(), there.Project.Slug)
	}
	return v.renderStashedForm(d)
}

// discardForm answers with the reason why a form was discarded.
func (v *request) discardForm(why string) error {
	v.toast(why, "")
	return v.redirect(view.HeartbeatsPath)
}

// renderStashedForm answers with the page that a held form belongs to, filled in.
func (v *request) renderStashedForm(d StashedForm) error {
	if page := v.serveInternally(http.MethodPost, d.Path, d); page.status == http.StatusOK {
		return v.writeFilledPage(page, page.body.Bytes(), view.RestoredForm(view.RestoredFormNote{Typed: true}))
	}
	asks := len(submittedLines(d.Values)) > 0 || len(d.Values) > 0
	var shown *bufferedResponse
	for _, address := range []string{d.Page, withoutQuery(d.Path)} {
		page := v.serveInternally(http.MethodGet, address, d)
		if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			continue
		}
		if body, found := FillForm(page.body.Bytes(), d.Path, d.Values); found {
			return v.writeFilledPage(page, body, view.RestoredForm(view.RestoredFormNote{Typed: asks}))
		}
		if shown == nil {
			shown = page
		}
	}
	if shown == nil {
		return monitor.Faultf(monitor.NotFound, "", "The page with the form no longer exists, so nothing was changed.")
	}
	return v.writeFilledPage(shown, shown.body.Bytes(), view.RestoredForm(view.RestoredFormNote{FormMissing: true, Values: submittedLines(d.Values)}))
}

// withoutQuery returns an address without its query.
func withoutQuery(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

// writeFilledPage answers with a page of another route, with a note at its beginning.
func (v *request) writeFilledPage(page *bufferedResponse, body []byte, note templ.Component) error {
	var words bytes.Buffer
	if err := note.Render(v.ctx(), &words); err != nil {
		return fmt.Errorf("page of a held form: %w", err)
	}
	for name, values := range page.header {
		v.w.Header()[name] = values
	}
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(InsertIntoMain(body, words.Bytes())) // the visitor may have left
	return nil
}

// bufferedResponse is the answer of another route, kept to be changed.
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

// serveInternally asks another route of ours for a page, in the session of this visit. A
// POST reaches only those routes that show their form again and change nothing.
func (v *request) serveInternally(method, address string, d StashedForm) *bufferedResponse {
	answer := &bufferedResponse{header: http.Header{}}
	u, err := url.Parse(safeRedirect(address))
	if err != nil {
		answer.status = http.StatusNotFound
		return answer
	}
	r := v.r.Clone(v.r.Context())
	r.Method, r.URL, r.RequestURI, r.Pattern = method, u, u.RequestURI(), ""
	r.Body, r.Form, r.PostForm, r.MultipartForm = http.NoBody, nil, nil, nil
	if method == http.MethodPost {
		r.PostForm = url.Values{view.OriginProjectField: {d.Project}, view.OriginPersonField: {d.Person}, view.OriginPageField: {d.Page}}
		for name, values := range d.Values {
			r.PostForm[name] = values
		}
		r.Form = r.PostForm
	}
	v.site.resumeMux.ServeHTTP(answer, r)
	return answer
}
