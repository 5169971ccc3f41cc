package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// projectID is how forms, and the addresses of streams and files, name a
// project: by its key, which never changes.
func projectID(p monitor.Project) string {
	if p.Key == 0 {
		return ""
	}
	return strconv.FormatInt(p.Key, 10)
}

// parseProjectID is the key of the project that a form or an address names, 0 for none.
func parseProjectID(text string) int64 {
	key, err := strconv.ParseInt(text, 10, 64)
	if err != nil || key < 1 {
		return 0
	}
	return key
}

// requestedProject is the project that a stream, a preview or a file is read for: the page
// that asks names it, because the session may look at another by now. It is nil
// for everything else, and where none is named.
func (v *request) requestedProject(rt route) *auth.Actor {
	text := v.r.URL.Query().Get(view.OriginProjectField)
	switch {
	case !rt.projectInQuery:
		return nil
	case v.r.Method == http.MethodPost:
		text = v.formValue(view.OriginProjectField)
	}
	key := parseProjectID(text)
	if key == 0 {
		return nil
	}
	there := v.person.Actor(key, v.clientAddress())
	return &there
}

// withProject adds to what an address asks for the project that is looked at.
func (v *request) withProject(q url.Values) url.Values {
	if q == nil {
		q = url.Values{}
	}
	q.Set(view.OriginProjectField, projectID(v.actor.Project))
	return q
}

// maxPageAddress is the maximum length of the page address that a form carries, in bytes.
const maxPageAddress = 2000

// rememberOrigin stores the origin that the forms of this page carry.
func (v *request) rememberOrigin(rt route) {
	page := v.r.URL.RequestURI()
	switch {
	case v.r.Method == http.MethodPost:
		page = v.formValue(view.OriginPageField) // a form that comes back is still on its page
	case rt.isStream:
		page = strings.TrimPrefix(v.r.URL.Path, "/live") // which draws the same forms
	}
	if len(page) > maxPageAddress || page != safeRedirect(page) {
		page = v.r.URL.Path
	}
	v.context = view.WithOrigin(v.context, view.FormOrigin{
		Project: projectID(v.actor.Project), Person: v.person.ID, Page: page,
	})
}

// checkFormOrigin checks that a form acts on the project and for the person that it was
// drawn for. It reports false when it has answered already.
func (v *request) checkFormOrigin(rt route) (bool, error) {
	if v.r.Method != http.MethodPost || rt.right == anyone || !v.person.SignedIn() {
		return true, nil
	}
	if v.formValue(view.OriginPersonField) == "" || rt.right != signedIn && parseProjectID(v.formValue(view.OriginProjectField)) == 0 {
		return false, monitor.Faultf(monitor.Conflict, "", "This form does not say which project and person it was made for, so nothing was changed. Open the page again.")
	}
	if v.formValue(view.OriginPersonField) != v.person.ID {
		return false, monitor.Faultf(monitor.Conflict, "", "Another person is signed in in this browser now, so nothing was changed. Sign in as the person who opened the form.")
	}
	if rt.right == signedIn || parseProjectID(v.formValue(view.OriginProjectField)) == v.actor.Project.Key {
		return true, nil
	}
	return false, v.renderOtherProject()
}

// renderOtherProject answers a form of another project than the open one.
func (v *request) renderOtherProject() error {
	d := v.stashedForm()
	there := v.person.Actor(parseProjectID(d.Project), v.clientAddress())
	p := view.WrongProjectPage{Shell: v.shell(""), Typed: submittedLines(d.Values)}
	if there.Role != 0 {
		p.FormProject = there.Project.Name
		p.HeldForm, p.TooLong = v.site.stash(d, v.now)
	}
	return v.renderStatus(http.StatusConflict, view.WrongProject(p))
}

// submittedLines are what was typed into a form, without what nobody typed and what
// is secret.
func submittedLines(values url.Values) []view.Option {
	var lines []view.Option
	for _, name := range sortedNames(values) {
		text := strings.TrimSpace(strings.Join(values[name], ", "))
		if text == "" || strings.HasPrefix(name, "settings.") || unlistedFields[name] {
			continue
		}
		lines = append(lines, view.Option{Label: strings.ReplaceAll(name, "_", " "), Value: text})
	}
	return lines
}

// unlistedFields are fields that are not shown to people.
var unlistedFields = map[string]bool{"kind": true, "kept": true, "schedule": true, "channels": true, "channel": true, "id": true, "base": true, "version": true}
