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
	"overdue/internal/pingurl"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// refreshHeader marks the automatic reload of a list on an unattended page. It does
// not extend the session.
const refreshHeader = "Overdue-Refresh"

// authenticate identifies the person and checks what they may do. It returns false
// if it has already answered, for example with the sign-in page.
func (req *request) authenticate(rt route) (admitted bool, err error) {
	if err := req.authenticatePerson(rt); err != nil {
		return false, err
	}
	if err := req.readForm(rt); err != nil {
		return false, err
	}
	if req.site.Service.Now().Sub(req.now) > authenticationMaxAge { // the session may have ended while the form arrived
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
		return false, monitor.Faultf(monitor.Forbidden, "", "You no longer belong to a project. Ask an owner or admin to invite you.")
	}
	return false, monitor.Faultf(monitor.Forbidden, "", "Your role in this project, %s, does not allow this.", req.actor.Role)
}

// authenticationMaxAge is the period for which one session lookup is valid.
const authenticationMaxAge = time.Second

// authenticatePerson looks up the session. Streams and automatic reloads do not
// extend it.
func (req *request) authenticatePerson(rt route) (err error) {
	if rt.isStream || req.r.Header.Get(refreshHeader) != "" {
		req.person, err = req.site.People.CurrentWithoutActivity(req.ctx(), req.now)
	} else {
		req.person, err = req.site.People.Current(req.ctx(), req.clientAddress(), req.now)
	}
	return err
}

// clientAddress returns the address of the client.
func (req *request) clientAddress() string { return req.site.ClientAddress(req.r) }

// missingResource returns the error for a resource that does not exist. It says when
// such resources are deleted, because old messages contain links to them.
func (req *request) missingResource(kind string) error {
	kept := ""
	if kind == "incidents" {
		kept = " " + req.site.Service.Retention().IncidentsText()
	}
	return monitor.Faultf(monitor.NotFound, "", "The page does not exist, or its content was deleted.%s", strings.TrimRight(kept, " "))
}

// authorize selects the project of the request. It is the project of the resource
// in the path, so that a link opens the same page for everyone, and otherwise the
// project that was selected. Resources of projects that the person does not belong
// to do not exist.
func (req *request) authorize(rt route) error {
	req.actor = req.person.Actor(0, req.clientAddress())
	defer req.selectZone() // also for the page of an error
	if m := resourcePattern.FindStringSubmatch(rt.pattern); m != nil && !isIncidentNumber(req) {
		project, found, err := req.site.Service.ProjectOf(req.ctx(), m[1], req.r.PathValue(m[2]))
		if err != nil {
			return err
		}
		there := req.person.Actor(project, req.clientAddress())
		if !found || there.Role == 0 {
			return req.missingResource(m[1])
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
	return nil
}

// selectZone sets the zone of the times on the page: that of the person, that of the
// browser, or that of the project. A zone that is unknown on this machine is left out.
func (req *request) selectZone() {
	for _, name := range []string{req.person.Zone, req.browserZone(), req.actor.Project.Zone} {
		if zone, err := time.LoadLocation(name); err == nil && name != "" {
			req.clock.Zone = zone
			return
		}
	}
}

// projectZone returns the zone of the project, in which alerts have their times.
func (req *request) projectZone() *time.Location {
	zone, err := time.LoadLocation(req.actor.Project.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// requireSignIn answers a person who is not signed in: with the sign-in page, which
// leads back, or with an error for programs.
func (req *request) requireSignIn(rt route) error {
	hasAccounts, err := req.site.People.HasAccounts(req.ctx())
	switch {
	case err != nil:
		return err
	case rt.isStream || rt.projectInQuery && req.r.Method == http.MethodPost:
		return httpd.NewProblem(http.StatusUnauthorized, "You are not signed in. Sign in, then try again.")
	case !hasAccounts:
		return req.redirect(paths.Setup)
	case req.r.Method != http.MethodGet && req.formValue(ui.OriginPersonField) != "":
		return req.renderSignedOut()
	case !isBrowser(req.r) && (req.r.Method != http.MethodGet || strings.HasPrefix(req.r.URL.Path, paths.Heartbeats+"/")):
		// A job that pings the address of a page would treat a redirect as success.
		return httpd.NewProblem(http.StatusUnauthorized, "This is the address of a page, and you are not signed in. A job pings "+
			pingurl.For(req.site.BaseURL, "ID")+": copy the ping URL from the page of the heartbeat.")
	case req.r.Method != http.MethodGet:
		return req.redirect(paths.SignIn)
	}
	return req.redirect(paths.SignIn + "?" + url.Values{"next": {req.r.URL.RequestURI()}}.Encode())
}

// isBrowser reports whether a browser sent the request. Browsers accept HTML, and
// send the origin of a form (Fetch Metadata; Origin, RFC 6454, section 7).
func isBrowser(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" || strings.Contains(r.Header.Get("Accept"), "text/html")
}

// safeRedirect returns next if it is a path of this site, and otherwise the
// heartbeat list. Browsers treat "//host" and "/\host" as other sites.
func safeRedirect(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") {
		return paths.Heartbeats
	}
	return next
}

// projectID returns the identifier of a project in forms and in the addresses of
// streams and files. It is the key, which never changes.
func projectID(p monitor.Project) string {
	if p.Key == 0 {
		return ""
	}
	return strconv.FormatInt(p.Key, 10)
}

// parseProjectID returns the key of the project that a form or an address names, or
// 0.
func parseProjectID(text string) int64 {
	key, err := strconv.ParseInt(text, 10, 64)
	if err != nil || key < 1 {
		return 0
	}
	return key
}

// requestedProject returns the project that a stream, a preview or a file belongs
// to. The page names it, because another tab may have selected another project
// since. It returns nil for other routes, and if no project is named.
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

// withProject adds the project of the page to a query.
func (req *request) withProject(q url.Values) url.Values {
	if q == nil {
		q = url.Values{}
	}
	q.Set(ui.OriginProjectField, projectID(req.actor.Project))
	return q
}

// maxPageAddress is the maximum length of the page address that a form carries, in bytes.
const maxPageAddress = 2000

// rememberOrigin stores the origin that the forms on this page carry.
func (req *request) rememberOrigin(rt route) {
	page := req.r.URL.RequestURI()
	switch {
	case req.r.Method == http.MethodPost:
		page = req.formValue(ui.OriginPageField) // a form that is shown again keeps its page
	case rt.isStream:
		page = strings.TrimPrefix(req.r.URL.Path, "/live") // the stream renders the forms of its page
	}
	if len(page) > maxPageAddress || page != safeRedirect(page) {
		page = req.r.URL.Path
	}
	req.context = ui.WithOrigin(req.context, ui.FormOrigin{
		Project: projectID(req.actor.Project), Person: req.person.ID, Page: page,
	})
}

// checkFormOrigin checks that a form was rendered for this project and person. It
// returns false if it has already answered.
func (req *request) checkFormOrigin(rt route) (bool, error) {
	if req.r.Method != http.MethodPost || rt.right == anyone || !req.person.SignedIn() {
		return true, nil
	}
	if req.formValue(ui.OriginPersonField) == "" || rt.right != signedIn && parseProjectID(req.formValue(ui.OriginProjectField)) == 0 {
		return false, monitor.Faultf(monitor.Conflict, "", "The form does not identify its project and user, so nothing was changed. Open the page again.")
	}
	if req.formValue(ui.OriginPersonField) != req.person.ID {
		return false, monitor.Faultf(monitor.Conflict, "", "This browser is now signed in as another person, so nothing was changed. Sign in as the person who opened the form.")
	}
	if rt.right == signedIn || parseProjectID(req.formValue(ui.OriginProjectField)) == req.actor.Project.Key {
		return true, nil
	}
	return false, req.renderOtherProject()
}

// renderOtherProject answers a form of another project than the selected one.
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

// submittedLines returns what a person typed into a form, without hidden and secret
// fields.
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

// unlistedFields are fields of forms that are not shown to people.
var unlistedFields = map[string]bool{"kind": true, "kept": true, "schedule": true, "channels": true, "channel": true, "id": true, "base": true, "version": true, "preset": true, "at": true}
