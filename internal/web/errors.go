package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"overdue/internal/auth"
	"overdue/internal/httpd"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
)

// setRetryAfter sets the header Retry-After, and returns status 429.
func (req *request) setRetryAfter(wait time.Duration) int {
	req.w.Header().Set("Retry-After", roundUpSeconds(wait))
	return http.StatusTooManyRequests
}

// roundUpSeconds returns a duration in seconds, rounded up.
func roundUpSeconds(wait time.Duration) string {
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}

// renderError answers with an error page, and logs errors that are not the
// person's.
func (req *request) renderError(err error) {
	locate := func(field string) string { return field }
	p, isFault := httpd.ProblemOf(err, locate)
	page := layout.ErrorPage{SignedOutShell: req.signedOutShell(), SignedIn: req.person.SignedIn(), Path: req.r.URL.Path}
	switch {
	case isFault:
		page.Status, page.Detail = p.Status, p.Detail
		maps.Copy(req.w.Header(), p.GetHeaders())
	case req.ctx().Err() != nil:
		return // the browser disconnected
	case errors.Is(err, auth.ErrBusy):
		page.Status, page.Detail, isFault = http.StatusServiceUnavailable, "Too many people are signing in at the moment. Try again in a few seconds.", true
		req.w.Header().Set("Retry-After", roundUpSeconds(auth.BusyWait))
	case errors.Is(err, manage.ErrUnavailable):
		page.Status = http.StatusServiceUnavailable
		req.w.Header().Set("Retry-After", "5")
	default:
		page.Status, page.RequestID = http.StatusInternalServerError, httpd.RequestID(req.r)
	}
	if page.Status == http.StatusForbidden {
		req.site.Logger.Info("request denied", "component", "web", "person", req.person.ID, "project", req.actor.Project.Slug,
			"route", req.r.Pattern, "client", req.clientAddress(), "request_id", httpd.RequestID(req.r))
	}
	if !isFault {
		req.site.Logger.Error("request failed", "component", "web", "error", err, "path", req.r.Pattern, "request_id", httpd.RequestID(req.r))
	}
	req.keepSidebar(&page)
	if err := req.renderStatus(page.Status, layout.Error(page)); err != nil && req.ctx().Err() == nil {
		req.site.Logger.Error("error page not rendered", "component", "web", "error", err, "request_id", httpd.RequestID(req.r))
	}
}

// keepSidebar shows the error within the pages of a signed-in person. If the database
// is unavailable, the page must not wait for the counts of the sidebar.
func (req *request) keepSidebar(page *layout.ErrorPage) {
	if req.actor.Role == 0 || page.Status == http.StatusServiceUnavailable {
		return
	}
	req.rememberOrigin(route{}) // the request may have failed before its forms had an origin
	shell := req.shell("")
	page.App = &shell
}

// notFound answers a request that no route matches.
func notFound(req *request) error {
	if req.r.URL.Path == "/" {
		return req.redirect(paths.Heartbeats)
	}
	if allow := req.site.allowedMethods(req.r); len(allow) > 0 {
		if page := req.pageOfForm(); page != "" {
			return req.redirect(page)
		}
		req.w.Header().Set("Allow", strings.Join(allow, ", "))
		return httpd.NewProblem(http.StatusMethodNotAllowed, "This address accepts only "+strings.Join(allow, ", ")+".")
	}
	return monitor.Faultf(monitor.NotFound, "", "The page does not exist, or its content was deleted.")
}

// pageOfForm returns the page that has the form of this address, or "". A browser
// opens the address of a form with GET after a reload, or from a bookmark. Programs
// get the error: a redirect would hide it.
func (req *request) pageOfForm() string {
	if req.r.Method != http.MethodGet || !isBrowser(req.r) {
		return ""
	}
	for at := path.Dir(req.r.URL.Path); at != "/"; at = path.Dir(at) {
		page := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: at}, Host: req.r.Host}
		if _, pattern := req.site.mux.Handler(page); pattern != "/" {
			return (&url.URL{Path: at}).EscapedPath()
		}
	}
	return ""
}

// allowedMethods returns the methods that the path of a request accepts, or none if
// there is no such page (RFC 9110, 15.5.6).
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

// fieldErrors returns the error of each field of a form, by name. It returns false
// if the error is about no field.
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

// statusInvalid is the status of a form that is shown again because a value is
// invalid.
const statusInvalid = http.StatusUnprocessableEntity

// isMissing reports whether the resource does not exist, for example because
// another person has deleted it.
func isMissing(err error) bool { return isFault(err, monitor.NotFound) }

// isFault reports whether an error is a fault of this kind.
func isFault(err error, kind monitor.FaultKind) bool {
	fault, ok := errors.AsType[*monitor.Fault](err)
	return ok && fault.Kind == kind
}
