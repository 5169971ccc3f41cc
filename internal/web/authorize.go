package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// refreshHeader marks the automatic reload of a list on an unattended page. Like a
// stream, it does not keep the session alive.
const refreshHeader = "Overdue-Refresh"

// authenticate finds out who asks and whether they may. It reports false when it has
// answered already, with the way to where they must go first.
func (v *request) authenticate(rt route) (admitted bool, err error) {
	if err := v.authenticatePerson(rt); err != nil {
		return false, err
	}
	if err := v.readForm(rt); err != nil {
		return false, err
	}
	if time.Since(v.now) > authenticationMaxAge { // the session may have ended meanwhile
		if err := v.authenticatePerson(rt); err != nil {
			return false, err
		}
	}
	if v.person.SignedIn() {
		if err := v.authorize(rt); err != nil {
			return false, err
		}
		v.rememberOrigin(rt)
	}
	if ok, err := v.checkFormOrigin(rt); err != nil || !ok {
		return false, err
	}
	switch {
	case rt.right == anyone:
		return true, nil
	case !v.person.SignedIn():
		return false, v.requireSignIn(rt)
	case rt.right == signedIn || v.actor.May(rt.right):
		return true, nil
	case v.actor.Role == 0:
		return false, monitor.Faultf(monitor.Forbidden, "", "You belong to no project any more. Ask somebody to invite you.")
	}
	return false, monitor.Faultf(monitor.Forbidden, "", "Your role in this project, %s, does not allow it.", v.actor.Role)
}

// authenticationMaxAge is how long the result of one session lookup stays valid.
const authenticationMaxAge = time.Second

// authenticatePerson finds out who asks.
func (v *request) authenticatePerson(rt route) (err error) {
	if rt.isStream || v.r.Header.Get(refreshHeader) != "" {
		v.person, err = v.site.People.CurrentWithoutActivity(v.ctx(), v.now)
	} else {
		v.person, err = v.site.People.Current(v.ctx(), v.clientAddress(), v.now)
	}
	return err
}

// clientAddress is the address that the visitor comes from.
func (v *request) clientAddress() string { return v.site.ClientAddress(v.r) }

// authorize finds the project that is looked at: the one that the thing in the path
// belongs to, so that a link leads everybody to the same page, or else the one
// that was chosen. What belongs to somebody else's project is not there.
func (v *request) authorize(rt route) error {
	v.actor = v.person.Actor(0, v.clientAddress())
	if m := resourcePattern.FindStringSubmatch(rt.pattern); m != nil {
		project, found, err := v.site.Service.ProjectOf(v.ctx(), m[1], v.r.PathValue(m[2]))
		if err != nil {
			return err
		}
		there := v.person.Actor(project, v.clientAddress())
		if !found || there.Role == 0 {
			return monitor.Faultf(monitor.NotFound, "", "The page does not exist, or what it showed was deleted.")
		}
		if there.Project.Slug != v.actor.Project.Slug {
			v.site.People.Sessions.SelectProject(v.ctx(), there.Project.Slug)
		}
		v.actor = there
	} else if there := v.requestedProject(rt); there != nil {
		if there.Role == 0 {
			return monitor.Faultf(monitor.NotFound, "", "The page does not exist, or what it showed was deleted.")
		}
		v.actor = *there
	}
	if zone, err := time.LoadLocation(v.actor.Project.Zone); err == nil {
		v.clock.Zone = zone // one that this machine does not know is read as UTC
	}
	return nil
}

// requireSignIn leads somebody who is not signed in to where they can, and back.
func (v *request) requireSignIn(rt route) error {
	begun, err := v.site.People.HasAccounts(v.ctx())
	switch {
	case err != nil:
		return err
	case rt.isStream || rt.projectInQuery && v.r.Method == http.MethodPost:
		return httpd.NewProblem(http.StatusUnauthorized, "Sign in first.")
	case !begun:
		return v.redirect(view.SetupPath)
	case v.r.Method != http.MethodGet && v.formValue(view.OriginPersonField) != "":
		return v.renderSignedOut()
	case !isBrowser(v.r) && (v.r.Method != http.MethodGet || strings.HasPrefix(v.r.URL.Path, view.HeartbeatsPath+"/")):
		// A job that pings the address of a page would take a redirect for success.
		return httpd.NewProblem(http.StatusUnauthorized, "This is the address of a page, and you are not signed in. A job pings "+
			v.site.BaseURL+"/api/v1/hb/ID: copy the ping URL from the page of the heartbeat.")
	case v.r.Method != http.MethodGet:
		return v.redirect(view.SignInPath)
	}
	return v.redirect(view.SignInPath + "?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode())
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
		return view.HeartbeatsPath
	}
	return next
}

// shell is what surrounds the pages of somebody who is signed in. live is the
// path of the page's event stream, empty for a page at rest.
func (v *request) shell(live string) view.Shell {
	s := view.Shell{
		Clock: v.clock, Theme: v.theme(), LivePath: live, Version: v.site.Version,
		User:    view.User{Name: v.person.Name, Email: v.person.Email, Role: v.actor.Role.String()},
		Project: view.Project{ID: v.actor.Project.Slug, Name: v.actor.Project.Name},
	}
	s.Toast, s.UndoPath = v.site.People.Sessions.TakeFlash(v.ctx())
	around, err := v.site.Service.NavCounts(v.ctx(), v.actor)
	if err != nil && v.ctx().Err() == nil {
		// The page is worth more than the numbers around it.
		v.site.Logger.Error("surroundings of a page", "error", err, "request_id", httpd.RequestID(v.r))
	}
	s.Down, s.Unresolved, s.FailingChannels = around.DownHeartbeats, around.UnresolvedIncidents, around.FailingChannels
	for _, m := range v.person.Memberships {
		p := view.Project{ID: m.Project.Slug, Name: m.Project.Name, Heartbeats: around.Heartbeats[m.Project.Key]}
		s.Projects = append(s.Projects, p)
		if p.ID == s.Project.ID {
			s.Project = p
		}
	}
	return s
}

// renderError answers with the page that says what went wrong.
func (v *request) renderError(err error) {
	locate := func(field string) string { return field }
	p, theirs := httpd.ProblemOf(err, locate)
	page := view.ErrorPage{SignedOutShell: v.gate(), SignedIn: v.person.SignedIn()}
	switch {
	case theirs:
		page.Status, page.Detail = p.Status, p.Detail
		maps.Copy(v.w.Header(), p.GetHeaders())
	case v.ctx().Err() != nil:
		return // nobody waits for the answer
	case errors.Is(err, auth.ErrBusy):
		page.Status, page.Detail, theirs = http.StatusServiceUnavailable, "Too many people are signing in at the moment. Try again in a few seconds.", true
		v.w.Header().Set("Retry-After", roundUpSeconds(auth.BusyWait))
	case errors.Is(err, manage.ErrUnavailable):
		page.Status = http.StatusServiceUnavailable
		v.w.Header().Set("Retry-After", "5")
	default:
		page.Status, page.RequestID = http.StatusInternalServerError, httpd.RequestID(v.r)
	}
	if page.Status == http.StatusForbidden {
		v.site.Logger.Info("request denied", "component", "web", "person", v.person.ID, "project", v.actor.Project.Slug,
			"route", v.r.Pattern, "client", v.clientAddress(), "request_id", httpd.RequestID(v.r))
	}
	if !theirs {
		v.site.Logger.Error("page", "error", err, "path", v.r.Pattern, "request_id", httpd.RequestID(v.r))
	}
	if err := v.renderStatus(page.Status, view.Error(page)); err != nil && v.ctx().Err() == nil {
		v.site.Logger.Error("page of a problem", "error", err, "request_id", httpd.RequestID(v.r))
	}
}

// notFound answers what no route does.
func notFound(v *request) error {
	if v.r.URL.Path == "/" {
		return v.redirect(view.HeartbeatsPath)
	}
	if allow := v.site.allowedMethods(v.r); len(allow) > 0 {
		v.w.Header().Set("Allow", strings.Join(allow, ", "))
		return httpd.NewProblem(http.StatusMethodNotAllowed, "This address takes "+strings.Join(allow, ", ")+" only.")
	}
	return monitor.Faultf(monitor.NotFound, "", "The page does not exist, or what it showed was deleted.")
}

// allowedMethods are those that the address of a request takes, none where there is no
// page (RFC 9110, 15.5.6).
func (s *Site) allowedMethods(r *http.Request) []string {
	var all []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			all = append(all, method)
		}
	}
	return all
}

// fieldErrors returns what is wrong with each field of a form, by its name, and
// false when the error is about no field.
func fieldErrors(err error) (map[string]string, bool) {
	faults, many := errors.AsType[monitor.Faults](err)
	if fault, one := errors.AsType[*monitor.Fault](err); !many && one {
		faults = monitor.Faults{fault}
	}
	all := map[string]string{}
	for _, f := range faults {
		if f.Field != "" {
			all[f.Field] = f.Message
		}
	}
	return all, len(all) > 0
}

// statusInvalid is the status of a form that comes back because something in it was
// wrong.
const statusInvalid = http.StatusUnprocessableEntity

// formValue is a field of the form as it was sent.
// A browser ends the lines of a text area with CR LF, everything else here with LF.
func (v *request) formValue(field string) string {
	return strings.ReplaceAll(v.r.PostForm.Get(field), "\r\n", "\n")
}
