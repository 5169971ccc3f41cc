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

// projectField is how forms, and the addresses of streams and files, name a
// project: by its key, which never changes.
func projectField(p monitor.Project) string {
	if p.Key == 0 {
		return ""
	}
	return strconv.FormatInt(p.Key, 10)
}

// namedProject is the key of the project that a form or an address names, 0 for none.
func namedProject(text string) int64 {
	key, err := strconv.ParseInt(text, 10, 64)
	if err != nil || key < 1 {
		return 0
	}
	return key
}

// asked is the project that a stream, a preview or a file is read for: the page
// that asks names it, because the session may look at another by now. It is nil
// for everything else, and where none is named.
func (v *visit) asked(rt route) *auth.Actor {
	text := v.r.URL.Query().Get(view.OriginProject)
	switch {
	case !rt.byPage:
		return nil
	case v.r.Method == http.MethodPost:
		text = v.text(view.OriginProject)
	}
	key := namedProject(text)
	if key == 0 {
		return nil
	}
	there := v.who.Actor(key, v.source())
	return &there
}

// inProject adds to what an address asks for the project that is looked at.
func (v *visit) inProject(q url.Values) url.Values {
	if q == nil {
		q = url.Values{}
	}
	q.Set(view.OriginProject, projectField(v.actor.Project))
	return q
}

// maxPageAddress is the maximum length of the page address that a form carries, in bytes.
const maxPageAddress = 2000

// rememberOrigin stores the origin that the forms of this page carry.
func (v *visit) rememberOrigin(rt route) {
	page := v.r.URL.RequestURI()
	switch {
	case v.r.Method == http.MethodPost:
		page = v.text(view.OriginPage) // a form that comes back is still on its page
	case rt.stream:
		page = strings.TrimPrefix(v.r.URL.Path, "/live") // which draws the same forms
	}
	if len(page) > maxPageAddress || page != local(page) {
		page = v.r.URL.Path
	}
	v.context = view.WithOrigin(v.context, view.Origin{
		Project: projectField(v.actor.Project), Person: v.who.ID, Page: page,
	})
}

// asShown checks that a form acts on the project and for the person that it was
// drawn for. It reports false when it has answered already.
func (v *visit) asShown(rt route) (bool, error) {
	if v.r.Method != http.MethodPost || rt.needs == open || !v.who.Known() {
		return true, nil
	}
	if v.text(view.OriginPerson) == "" || rt.needs != signedIn && namedProject(v.text(view.OriginProject)) == 0 {
		return false, monitor.Wrong(monitor.Conflict, "", "This form does not say which project and person it was made for, so nothing was changed. Open the page again.")
	}
	if v.text(view.OriginPerson) != v.who.ID {
		return false, monitor.Wrong(monitor.Conflict, "", "Another person is signed in in this browser now, so nothing was changed. Sign in as the person who opened the form.")
	}
	if rt.needs == signedIn || namedProject(v.text(view.OriginProject)) == v.actor.Project.Key {
		return true, nil
	}
	return false, v.elsewhere()
}

// elsewhere answers a form of another project than the open one.
func (v *visit) elsewhere() error {
	d := v.held()
	there := v.who.Actor(namedProject(d.Project), v.source())
	p := view.ElsewherePage{Shell: v.shell(""), Typed: typedLines(d.Values)}
	if there.Role != 0 {
		p.There = there.Project.Name
		p.Draft, p.TooLong = v.site.sealHeld(d, v.now)
	}
	return v.showStatus(http.StatusConflict, view.Elsewhere(p))
}

// typedLines are what was typed into a form, without what nobody typed and what
// is secret.
func typedLines(values url.Values) []view.Choice {
	var lines []view.Choice
	for _, name := range sortedFields(values) {
		text := strings.TrimSpace(strings.Join(values[name], ", "))
		if text == "" || strings.HasPrefix(name, "settings.") || unsaid[name] {
			continue
		}
		lines = append(lines, view.Choice{Label: strings.ReplaceAll(name, "_", " "), Value: text})
	}
	return lines
}

// unsaid are fields that are not shown to people.
var unsaid = map[string]bool{"kind": true, "kept": true, "schedule": true, "channels": true, "channel": true, "id": true, "base": true, "version": true}
