package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/monitor"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// refreshHeader marks the automatic reload of a list on an unattended page. Like a
// stream, it does not keep the session alive.
const refreshHeader = "Overdue-Refresh"

// authenticate finds out who asks and whether they may. It reports false when it has
// answered already, with the way to where they must go first.
func (req *request) authenticate(rt route) (admitted bool, err error) {
	if err := req.authenticatePerson(rt); err != nil {
		return false, err
	}
	if err := req.readForm(rt); err != nil {
		return false, err
	}
	if time.Since(req.now) > authenticationMaxAge { // the session may have ended meanwhile
		if err := req.authenticatePerson(rt); err != nil {
			return false, err
		}
	}
	if req.person.SignedIn() {
		if err := req.authorize(rt); err != nil {
			return false, err
		}
		req.rememberOrigin(rt)
	}
	if ok, err := req.checkFormOrigin(rt); err != nil || !ok {
		return false, err
	}
	switch {
	case rt.right == anyone:
		return true, nil
	case !req.person.SignedIn():
		return false, req.requireSignIn(rt)
	case rt.right == signedIn || req.actor.May(rt.right):
		return true, nil
	case req.actor.Role == 0:
		return false, monitor.Faultf(monitor.Forbidden, "", "You belong to no project any more. Ask somebody to invite you.")
	}
	return false, monitor.Faultf(monitor.Forbidden, "", "Your role in this project, %s, does not allow it.", req.actor.Role)
}

// authenticationMaxAge is how long the result of one session lookup stays valid.
const authenticationMaxAge = time.Second

// authenticatePerson finds out who asks.
func (req *request) authenticatePerson(rt route) (err error) {
	if rt.isStream || req.r.Header.Get(refreshHeader) != "" {
		req.person, err = req.site.People.CurrentWithoutActivity(req.ctx(), req.now)
	} else {
		req.person, err = req.site.People.Current(req.ctx(), req.clientAddress(), req.now)
	}
	return err
}

// clientAddress is the address that the visitor comes from.
func (req *request) clientAddress() string { return req.site.ClientAddress(req.r) }

// authorize finds the project that is looked at: the one that the thing in the path
// belongs to, so that a link leads everybody to the same page, or else the one
// that was chosen. What belongs to somebody else's project is not there.
func (req *request) authorize(rt route) error {
	req.actor = req.person.Actor(0, req.clientAddress())
	if m := resourcePattern.FindStringSubmatch(rt.pattern); m != nil {
		project, found, err := req.site.Service.ProjectOf(req.ctx(), m[1], req.r.PathValue(m[2]))
		if err != nil {
			return err
		}
		there := req.person.Actor(project, req.clientAddress())
		if !found || there.Role == 0 {
			return monitor.Faultf(monitor.NotFound, "", "The page does not exist, or its content was deleted.")
		}
		if there.Project.Slug != req.actor.Project.Slug {
			req.site.People.Sessions.SelectProject(req.ctx(), there.Project.Slug)
		}
		req.actor = there
	} else if there := req.requestedProject(rt); there != nil {
		if there.Role == 0 {
			return monitor.Faultf(monitor.NotFound, "", "The page does not exist, or its content was deleted.")
		}
		req.actor = *there
	}
	if zone, err := time.LoadLocation(req.actor.Project.Zone); err == nil {
		req.clock.Zone = zone // one that this machine does not know is read as UTC
	}
	return nil
}

// requireSignIn leads somebody who is not signed in to where they can, and back.
func (req *request) requireSignIn(rt route) error {
	begun, err := req.site.People.HasAccounts(req.ctx())
	switch {
	case err != nil:
		return err
	case rt.isStream || rt.projectInQuery && req.r.Method == http.MethodPost:
		return httpd.NewProblem(http.StatusUnauthorized, "Sign in first.")
	case !begun:
		return req.redirect(paths.Setup)
	case req.r.Method != http.MethodGet && req.formValue(ui.OriginPersonField) != "":
		return req.renderSignedOut()
	case !isBrowser(req.r) && (req.r.Method != http.MethodGet || strings.HasPrefix(req.r.URL.Path, paths.Heartbeats+"/")):
		// A job that pings the address of a page would take a redirect for success.
		return httpd.NewProblem(http.StatusUnauthorized, "This is the address of a page, and you are not signed in. A job pings "+
			req.site.BaseURL+"/api/v1/hb/ID: copy the ping URL from the page of the heartbeat.")
	case req.r.Method != http.MethodGet:
		return req.redirect(paths.SignIn)
	}
	return req.redirect(paths.SignIn + "?" + url.Values{"next": {req.r.URL.RequestURI()}}.Encode())
}

// isBrowser reports whether a browser sent the request: they ask for HTML, and
// say where a form comes from (Fetch Metadata; Origin, RFC 6454, section 7).
func isBrowser(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" || strings.Contains(r.Header.Get("Accept"), "text/html")
}

// safeRedirect returns a path of ours to go to, or else the list of heartbeats. A
// browser takes "//host" and "/\host" for another site.
func safeRedirect(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") {
		return paths.Heartbeats
	}
	return next
}

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
func (req *request) requestedProject(rt route) *auth.Actor {
	text := req.r.URL.Query().Get(ui.OriginProjectField)
	switch {
	case !rt.projectInQuery:
		return nil
	case req.r.Method == http.MethodPost:
		text = req.formValue(ui.OriginProjectField)
	}
	key := parseProjectID(text)
	if key == 0 {
		return nil
	}
	there := req.person.Actor(key, req.clientAddress())
	return &there
}

// withProject adds to what an address asks for the project that is looked at.
func (req *request) withProject(q url.Values) url.Values {
	if q == nil {
		q = url.Values{}
	}
	q.Set(ui.OriginProjectField, projectID(req.actor.Project))
	return q
}

// maxPageAddress is the maximum length of the page address that a form carries, in bytes.
const maxPageAddress = 2000

// rememberOrigin stores the origin that the forms of this page carry.
func (req *request) rememberOrigin(rt route) {
	page := req.r.URL.RequestURI()
	switch {
	case req.r.Method == http.MethodPost:
		page = req.formValue(ui.OriginPageField) // a form that comes back is still on its page
	case rt.isStream:
		page = strings.TrimPrefix(req.r.URL.Path, "/live") // which draws the same forms
	}
	if len(page) > maxPageAddress || page != safeRedirect(page) {
		page = req.r.URL.Path
	}
	req.context = ui.WithOrigin(req.context, ui.FormOrigin{
		Project: projectID(req.actor.Project), Person: req.person.ID, Page: page,
	})
}

// checkFormOrigin checks that a form acts on the project and for the person that it was
// drawn for. It reports false when it has answered already.
func (req *request) checkFormOrigin(rt route) (bool, error) {
	if req.r.Method != http.MethodPost || rt.right == anyone || !req.person.SignedIn() {
		return true, nil
	}
	if req.formValue(ui.OriginPersonField) == "" || rt.right != signedIn && parseProjectID(req.formValue(ui.OriginProjectField)) == 0 {
		return false, monitor.Faultf(monitor.Conflict, "", "This form does not say which project and person it was made for, so nothing was changed. Open the page again.")
	}
	if req.formValue(ui.OriginPersonField) != req.person.ID {
		return false, monitor.Faultf(monitor.Conflict, "", "Another person is signed in in this browser now, so nothing was changed. Sign in as the person who opened the form.")
	}
	if rt.right == signedIn || parseProjectID(req.formValue(ui.OriginProjectField)) == req.actor.Project.Key {
		return true, nil
	}
	return false, req.renderOtherProject()
}

// renderOtherProject answers a form of another project than the open one.
func (req *request) renderOtherProject() error {
	d := req.heldForm()
	there := req.person.Actor(parseProjectID(d.Project), req.clientAddress())
	p := layout.WrongProjectPage{Shell: req.shell(""), Typed: submittedLines(d.Values)}
	if there.Role != 0 {
		p.FormProject = there.Project.Name
		p.HeldForm, p.TooLong = req.site.sealer.SealHeldForm(d, req.now)
	}
	return req.renderStatus(http.StatusConflict, layout.WrongProject(p))
}

// submittedLines are what was typed into a form, without what nobody typed and what
// is secret.
func submittedLines(values url.Values) []ui.Option {
	var lines []ui.Option
	for _, name := range sortedNames(values) {
		text := strings.TrimSpace(strings.Join(values[name], ", "))
		if text == "" || strings.HasPrefix(name, "settings.") || unlistedFields[name] {
			continue
		}
		lines = append(lines, ui.Option{Label: strings.ReplaceAll(name, "_", " "), Value: text})
	}
	return lines
}

// unlistedFields are fields that are not shown to people.
var unlistedFields = map[string]bool{"kind": true, "kept": true, "schedule": true, "channels": true, "channel": true, "id": true, "base": true, "version": true}
