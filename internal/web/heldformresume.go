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

// resumeForm shows a held form again, filled in. It changes nothing: the person must
// submit it again.
func resumeForm(v *visit) error {
	text := v.text(view.HeldField)
	d, ok := v.site.openHeld(text, v.now)
	switch {
	case !v.who.Known() && ok:
		return v.showStatus(http.StatusUnauthorized, view.SignIn(view.SignInPage{
			Gate: v.gate(), Host: v.site.host(), Mails: v.site.Mail != nil, Draft: text, Note: keptNote,
		}))
	case !v.who.Known():
		return v.redirect(view.SignInPath)
	case !ok:
		return v.dropped("The form was discarded because it is more than a day old. Nothing was changed.")
	case d.Person != v.who.ID:
		return v.dropped("The form was discarded because another person filled it in. Nothing was changed.")
	}
	if key := namedProject(d.Project); key != 0 {
		there := v.who.Actor(key, v.source())
		if there.Role == 0 {
			return v.dropped("The form was discarded because you no longer belong to its project. Nothing was changed.")
		}
		v.site.People.Sessions.Choose(v.ctx(), there.Project.Slug)
	}
	return v.filled(d)
}

// dropped answers with the reason why a form was discarded.
func (v *visit) dropped(why string) error {
	v.toast(why, "")
	return v.redirect(view.HeartbeatsPath)
}

// filled answers with the page that a held form belongs to, filled in.
func (v *visit) filled(d heldForm) error {
	if page := v.inside(http.MethodPost, d.Path, d); page.status == http.StatusOK {
		return v.sendFilled(page, page.body.Bytes(), view.Returned(view.ReturnedNote{Typed: true}))
	}
	asks := len(typedLines(d.Values)) > 0 || len(d.Values) > 0
	var shown *inner
	for _, address := range []string{d.Page, pathOf(d.Path)} {
		page := v.inside(http.MethodGet, address, d)
		if page.status != http.StatusOK || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			continue
		}
		if body, found := fill(page.body.Bytes(), d.Path, d.Values); found {
			return v.sendFilled(page, body, view.Returned(view.ReturnedNote{Typed: asks}))
		}
		if shown == nil {
			shown = page
		}
	}
	if shown == nil {
		return monitor.Wrong(monitor.Missing, "", "The page with the form no longer exists, so nothing was changed.")
	}
	return v.sendFilled(shown, shown.body.Bytes(), view.Returned(view.ReturnedNote{Gone: true, Values: typedLines(d.Values)}))
}

// pathOf returns an address without its query.
func pathOf(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

// sendFilled answers with a page of another route, with a note at its beginning.
func (v *visit) sendFilled(page *inner, body []byte, note templ.Component) error {
	var words bytes.Buffer
	if err := note.Render(v.ctx(), &words); err != nil {
		return fmt.Errorf("page of a held form: %w", err)
	}
	for name, values := range page.header {
		v.w.Header()[name] = values
	}
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(afterMain(body, words.Bytes())) // the visitor may have left
	return nil
}

// inner is the answer of another route, kept to be changed.
type inner struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (i *inner) Header() http.Header { return i.header }

func (i *inner) WriteHeader(status int) {
	if i.status == 0 {
		i.status = status
	}
}

func (i *inner) Write(b []byte) (int, error) {
	i.WriteHeader(http.StatusOK)
	return i.body.Write(b)
}

// inside asks another route of ours for a page, in the session of this visit. A
// POST reaches only those routes that show their form again and change nothing.
func (v *visit) inside(method, address string, d heldForm) *inner {
	answer := &inner{header: http.Header{}}
	u, err := url.Parse(local(address))
	if err != nil {
		answer.status = http.StatusNotFound
		return answer
	}
	r := v.r.Clone(v.r.Context())
	r.Method, r.URL, r.RequestURI, r.Pattern = method, u, u.RequestURI(), ""
	r.Body, r.Form, r.PostForm, r.MultipartForm = http.NoBody, nil, nil, nil
	if method == http.MethodPost {
		r.PostForm = url.Values{view.OriginProject: {d.Project}, view.OriginPerson: {d.Person}, view.OriginPage: {d.Page}}
		for name, values := range d.Values {
			r.PostForm[name] = values
		}
		r.Form = r.PostForm
	}
	v.site.again.ServeHTTP(answer, r)
	return answer
}
