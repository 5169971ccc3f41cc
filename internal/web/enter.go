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

// enter finds out who asks and whether they may. It reports false when it has
// answered already, with the way to where they must go first.
func (v *visit) enter(rt route) (admitted bool, err error) {
	if err := v.identify(rt); err != nil {
		return false, err
	}
	if err := v.readForm(rt); err != nil {
		return false, err
	}
	if time.Since(v.now) > slowForm { // the session may have ended meanwhile
		if err := v.identify(rt); err != nil {
			return false, err
		}
	}
	if v.who.Known() {
		if err := v.place(rt); err != nil {
			return false, err
		}
		v.rememberOrigin(rt)
	}
	if ok, err := v.asShown(rt); err != nil || !ok {
		return false, err
	}
	switch {
	case rt.needs == open:
		return true, nil
	case !v.who.Known():
		return false, v.ask(rt)
	case rt.needs == signedIn || v.actor.May(rt.needs):
		return true, nil
	case v.actor.Role == 0:
		return false, monitor.Wrong(monitor.Forbidden, "", "You belong to no project any more. Ask somebody to invite you.")
	}
	return false, monitor.Wrong(monitor.Forbidden, "", "Your role in this project, %s, does not allow it.", v.actor.Role)
}

// slowForm is how long the result of one session lookup stays valid.
const slowForm = time.Second

// identify finds out who asks.
func (v *visit) identify(rt route) (err error) {
	if rt.stream || v.r.Header.Get(refreshHeader) != "" {
		v.who, err = v.site.People.Still(v.ctx(), v.now)
	} else {
		v.who, err = v.site.People.Here(v.ctx(), v.source(), v.now)
	}
	return err
}

// source is the address that the visitor comes from.
func (v *visit) source() string { return v.site.Source(v.r) }

// place finds the project that is looked at: the one that the thing in the path
// belongs to, so that a link leads everybody to the same page, or else the one
// that was chosen. What belongs to somebody else's project is not there.
func (v *visit) place(rt route) error {
	v.actor = v.who.Actor(0, v.source())
	if m := named.FindStringSubmatch(rt.pattern); m != nil {
		project, found, err := v.site.Desk.Where(v.ctx(), m[1], v.r.PathValue(m[2]))
		if err != nil {
			return err
		}
		there := v.who.Actor(project, v.source())
		if !found || there.Role == 0 {
			return monitor.Wrong(monitor.Missing, "", "The page does not exist, or what it showed was deleted.")
		}
		if there.Project.Slug != v.actor.Project.Slug {
			v.site.People.Sessions.Choose(v.ctx(), there.Project.Slug)
		}
		v.actor = there
	} else if there := v.asked(rt); there != nil {
		if there.Role == 0 {
			return monitor.Wrong(monitor.Missing, "", "The page does not exist, or what it showed was deleted.")
		}
		v.actor = *there
	}
	if zone, err := time.LoadLocation(v.actor.Project.Zone); err == nil {
		v.clock.Zone = zone // one that this machine does not know is read as UTC
	}
	return nil
}

// ask leads somebody who is not signed in to where they can, and back.
func (v *visit) ask(rt route) error {
	begun, err := v.site.People.Begun(v.ctx())
	switch {
	case err != nil:
		return err
	case rt.stream || rt.byPage && v.r.Method == http.MethodPost:
		return httpd.NewProblem(http.StatusUnauthorized, "Sign in first.")
	case !begun:
		return v.redirect(view.SetupPath)
	case v.r.Method != http.MethodGet && v.text(view.OriginPerson) != "":
		return v.signedOut()
	case !fromBrowser(v.r) && (v.r.Method != http.MethodGet || strings.HasPrefix(v.r.URL.Path, view.HeartbeatsPath+"/")):
		// A job that pings the address of a page would take a redirect for success.
		return httpd.NewProblem(http.StatusUnauthorized, "This is the address of a page, and you are not signed in. A job pings "+
			v.site.Base+"/api/v1/hb/ID: copy the ping URL from the page of the heartbeat.")
	case v.r.Method != http.MethodGet:
		return v.redirect(view.SignInPath)
	}
	return v.redirect(view.SignInPath + "?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode())
}

// fromBrowser reports whether a browser sent the request: they ask for HTML, and
// say where a form comes from (Fetch Metadata; Origin, RFC 6454, section 7).
func fromBrowser(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" || strings.Contains(r.Header.Get("Accept"), "text/html")
}

// local returns a path of ours to go to, or else the list of heartbeats. A
// browser takes "//host" and "/\host" for another site.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") {
		return view.HeartbeatsPath
	}
	return next
}

// shell is what surrounds the pages of somebody who is signed in. live is the
// path of the page's event stream, empty for a page at rest.
func (v *visit) shell(live string) view.Shell {
	s := view.Shell{
		Clock: v.clock, Theme: v.theme(), Live: live, Version: v.site.Version,
		User:    view.User{Name: v.who.Name, Email: v.who.Email, Role: v.actor.Role.String()},
		Project: view.Project{ID: v.actor.Project.Slug, Name: v.actor.Project.Name},
	}
	s.Toast, s.Undo = v.site.People.Sessions.Take(v.ctx())
	around, err := v.site.Desk.Surroundings(v.ctx(), v.actor)
	if err != nil && v.ctx().Err() == nil {
		// The page is worth more than the numbers around it.
		v.site.Log.Error("surroundings of a page", "error", err, "request_id", httpd.RequestID(v.r))
	}
	s.Down, s.Unresolved, s.Failing = around.Down, around.Unresolved, around.Failing
	for _, m := range v.who.Memberships {
		p := view.Project{ID: m.Project.Slug, Name: m.Project.Name, Heartbeats: around.Heartbeats[m.Project.Key]}
		s.Projects = append(s.Projects, p)
		if p.ID == s.Project.ID {
			s.Project = p
		}
	}
	return s
}

// fail answers with the page that says what went wrong.
func (v *visit) fail(err error) {
	locate := func(field string) string { return field }
	p, theirs := httpd.ProblemOf(err, locate)
	page := view.ProblemPage{Gate: v.gate(), SignedIn: v.who.Known()}
	switch {
	case theirs:
		page.Status, page.Detail = p.Status, p.Detail
		maps.Copy(v.w.Header(), p.GetHeaders())
	case v.ctx().Err() != nil:
		return // nobody waits for the answer
	case errors.Is(err, auth.ErrBusy):
		page.Status, page.Detail, theirs = http.StatusServiceUnavailable, "Too many people are signing in at the moment. Try again in a few seconds.", true
		v.w.Header().Set("Retry-After", wholeSeconds(auth.BusyWait))
	case errors.Is(err, manage.ErrAway):
		page.Status = http.StatusServiceUnavailable
		v.w.Header().Set("Retry-After", "5")
	default:
		page.Status, page.RequestID = http.StatusInternalServerError, httpd.RequestID(v.r)
	}
	if page.Status == http.StatusForbidden {
		v.site.Log.Info("request denied", "component", "web", "person", v.who.ID, "project", v.actor.Project.Slug,
			"route", v.r.Pattern, "client", v.source(), "request_id", httpd.RequestID(v.r))
	}
	if !theirs {
		v.site.Log.Error("page", "error", err, "path", v.r.Pattern, "request_id", httpd.RequestID(v.r))
	}
	if err := v.showStatus(page.Status, view.Problem(page)); err != nil && v.ctx().Err() == nil {
		v.site.Log.Error("page of a problem", "error", err, "request_id", httpd.RequestID(v.r))
	}
}

// nowhere answers what no route does.
func nowhere(v *visit) error {
	if v.r.URL.Path == "/" {
		return v.redirect(view.HeartbeatsPath)
	}
	if allow := v.site.methods(v.r); len(allow) > 0 {
		v.w.Header().Set("Allow", strings.Join(allow, ", "))
		return httpd.NewProblem(http.StatusMethodNotAllowed, "This address takes "+strings.Join(allow, ", ")+" only.")
	}
	return monitor.Wrong(monitor.Missing, "", "The page does not exist, or what it showed was deleted.")
}

// methods are those that the address of a request takes, none where there is no
// page (RFC 9110, 15.5.6).
func (s *Site) methods(r *http.Request) []string {
	var all []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(other); pattern != "/" {
			all = append(all, method)
		}
	}
	return all
}

// wrongs returns what is wrong with each field of a form, by its name, and
// false when the error is about no field.
func wrongs(err error) (map[string]string, bool) {
	faults, many := errors.AsType[monitor.Faults](err)
	if fault, one := errors.AsType[*monitor.Fault](err); !many && one {
		faults = monitor.Faults{fault}
	}
	all := map[string]string{}
	for _, f := range faults {
		if f.Field != "" {
			all[f.Field] = f.Text
		}
	}
	return all, len(all) > 0
}

// refused is the status of a form that comes back because something in it was
// wrong.
const refused = http.StatusUnprocessableEntity

// text is a field of the form as it was sent.
// A browser ends the lines of a text area with CR LF, everything else here with LF.
func (v *visit) text(field string) string {
	return strings.ReplaceAll(v.r.PostForm.Get(field), "\r\n", "\n")
}
