package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// visitors are the requesters in the order of expectedStatus: not signed in, each
// role of the project, and the owner of another project.
var visitors = []string{"", "viewer", "member", "admin", "owner", "stranger"}

// expectedStatus are the statuses of each route for the visitors, with an empty
// form. 303 means done, or a redirect to the sign-in page; 422 means allowed, but
// the form is invalid.
var expectedStatus = map[string]string{
	"GET /setup":                                  "303 303 303 303 303 303",
	"POST /setup":                                 "404 404 404 404 404 404",
	"GET /sign-in":                                "200 303 303 303 303 303",
	"POST /sign-in":                               "422 422 422 422 422 422",
	"POST /sign-out":                              "303 303 303 303 303 303",
	"POST /resume":                                "303 303 303 303 303 303",
	"GET /invitations/{token}":                    "200 200 200 200 200 200",
	"POST /invitations/{token}":                   "422 422 422 422 422 422",
	"GET /account":                                "303 200 200 200 200 200",
	"POST /account":                               "303 422 422 422 422 422",
	"POST /account/zone":                          "303 303 303 303 303 303",
	"POST /account/password":                      "303 422 422 422 422 422",
	"POST /account/sessions/{id}/end":             "303 303 303 303 303 303",
	"POST /account/sessions/others":               "303 303 303 303 303 303",
	"GET /team":                                   "303 200 200 200 200 200",
	"POST /team/invitations":                      "303 403 403 422 422 422",
	"POST /team/invitations/{id}/withdraw":        "303 403 403 303 303 404",
	"POST /team/{id}/role":                        "303 403 403 422 422 422",
	"POST /team/{id}/remove":                      "303 403 403 303 303 404",
	"GET /settings":                               "303 403 403 200 200 200",
	"POST /settings":                              "303 403 403 422 422 422",
	"POST /projects":                              "303 403 403 422 422 422",
	"POST /projects/{project}/choose":             "303 303 303 303 303 404",
	"GET /projects/{project}/delete":              "303 403 403 403 200 404",
	"POST /projects/{project}/delete":             "303 403 403 403 422 404",
	"GET /api-keys":                               "303 403 403 200 200 200",
	"POST /api-keys":                              "303 403 403 422 422 422",
	"POST /api-keys/{id}/revoke":                  "303 403 403 303 303 404",
	"GET /audit":                                  "303 403 403 200 200 200",
	"GET /heartbeats/{key}/events.csv":            "303 200 200 200 200 404",
	"GET /incidents.csv":                          "303 200 200 200 200 200",
	"GET /reset":                                  "200 200 200 200 200 200",
	"POST /reset":                                 "422 422 422 422 422 422",
	"GET /reset/{token}":                          "410 410 410 410 410 410",
	"POST /reset/{token}":                         "410 410 410 410 410 410",
	"POST /heartbeats/restore":                    "303 403 404 404 404 404",
	"GET /channels":                               "303 200 200 200 200 200",
	"GET /channels/new":                           "303 403 200 200 200 200",
	"POST /channels":                              "303 403 422 422 422 422",
	"POST /channels/preview":                      "401 403 200 200 200 200",
	"POST /channels/{id}/retry":                   "303 403 403 303 303 404",
	"POST /channels/test":                         "303 403 422 422 422 422",
	"GET /channels/{id}":                          "303 200 200 200 200 404",
	"POST /channels/{id}":                         "303 403 422 422 422 404",
	"POST /channels/{id}/test":                    "303 403 200 200 200 404",
	"GET /channels/{id}/delete":                   "303 403 200 200 200 404",
	"POST /channels/{id}/delete":                  "303 403 422 422 422 404",
	"GET /policies":                               "303 200 200 200 200 200",
	"GET /policies/new":                           "303 403 200 200 200 200",
	"POST /policies":                              "303 403 422 422 422 422",
	"POST /policies/preview":                      "401 403 200 200 200 200",
	"GET /policies/{policy}":                      "303 200 200 200 200 404",
	"POST /policies/{policy}":                     "303 403 422 422 422 404",
	"POST /policies/{policy}/default":             "303 403 303 303 303 404",
	"GET /policies/{policy}/delete":               "303 403 200 200 200 404",
	"POST /policies/{policy}/delete":              "303 403 422 422 422 404",
	"GET /heartbeats":                             "303 200 200 200 200 200",
	"GET /heartbeats/new":                         "303 403 200 200 200 200",
	"POST /heartbeats":                            "303 403 422 422 422 422",
	"POST /heartbeats/preview":                    "401 403 200 200 200 200",
	"POST /heartbeats/bulk":                       "303 403 303 303 303 303",
	"POST /heartbeats/undo":                       "303 403 422 422 422 422",
	"GET /heartbeats/{key}":                       "303 200 200 200 200 404",
	"POST /heartbeats/{key}":                      "303 403 422 422 422 404",
	"GET /heartbeats/{key}/edit":                  "303 403 200 200 200 404",
	"POST /heartbeats/{key}/pause":                "303 403 200 200 200 404",
	"POST /heartbeats/{key}/mute":                 "303 403 422 422 422 404",
	"POST /heartbeats/{key}/forget-host":          "303 403 404 404 404 404",
	"POST /heartbeats/{key}/unmute":               "303 403 303 303 303 404",
	"POST /heartbeats/{key}/resume":               "303 403 303 303 303 404",
	"GET /heartbeats/{key}/delete":                "303 403 200 200 200 404",
	"POST /heartbeats/{key}/delete":               "303 403 422 422 422 404",
	"POST /heartbeats/{key}/restore":              "303 403 404 404 404 404",
	"GET /heartbeats/{key}/pings/{n}/body":        "303 200 200 200 200 404",
	"GET /incidents":                              "303 200 200 200 200 200",
	"GET /blackouts":                              "303 200 200 200 200 200",
	"GET /incidents/groups/{number}":              "303 404 404 404 404 404",
	"POST /incidents/groups/{number}/acknowledge": "303 403 404 404 404 404",
	"POST /incidents/groups/{number}/snooze":      "303 403 422 422 422 422",
	"GET /incidents/{id}":                         "303 200 200 200 200 404",
	"POST /incidents/{id}/acknowledge":            "303 403 303 303 303 404",
	"POST /incidents/snooze":                      "303 403 303 303 303 303",
	"POST /incidents/{id}/snooze":                 "303 403 422 422 422 404",
	"POST /incidents/{id}/unsnooze":               "303 403 303 303 303 404",
	"POST /incidents/acknowledge":                 "303 403 303 303 303 303",
	"POST /incidents/{id}/notes":                  "303 403 422 422 422 404",
	"GET /acknowledge/{token}":                    "404 404 404 404 404 404",
	"POST /acknowledge/{token}":                   "404 404 404 404 404 404",
	"GET /live/heartbeats":                        "401 200 200 200 200 200",
	"GET /live/heartbeats/{key}":                  "401 200 200 200 200 404",
	"GET /live/incidents":                         "401 200 200 200 200 200",
	"GET /live/incidents/{id}":                    "401 200 200 200 200 404",
	"GET /docs":                                   "303 303 303 303 303 303",
	"GET /docs/{page}":                            "200 200 200 200 200 200",
	"GET /docs/search":                            "200 200 200 200 200 200",
	"POST /docs/feedback":                         "400 400 400 400 400 400",
	"GET /feedback":                               "303 403 403 403 200 200",
	"GET /server":                                 "303 403 403 403 200 200",
	"GET /live/server":                            "401 403 403 403 200 200",
}

// resources are the resources of paths, all in the project "main".
type resources struct{ policy, heartbeat, ref, incident, channel, key, invitation, token, person string }

// createResources creates new resources, so that a request cannot affect the next
// one.
func (w *fixture) createResources(n int) (th resources) {
	w.Helper()
	name, owner := fmt.Sprint("thing-", n), auth.Operator(w.project, "root")
	h, err := w.service.CreateHeartbeat(w.Context(), owner, manage.HeartbeatEdit{Name: &name, Interval: new("5m"), Grace: new("1m")})
	if err != nil {
		w.Fatal(err)
	}
	th.heartbeat, th.ref, th.token = h.ID, h.Ref, auth.NewInvitationToken()
	w.update(func(tx *store.Tx) error {
		ping := monitor.Ping{Kind: monitor.PingFail, At: w.now(), ExitCode: monitor.NoExitCode, Method: "POST", Body: []byte("it broke"), BodySize: 8}
		pinged, change := h.ApplyPing(ping, ping.At)
		if _, err := tx.Save(ping.At, []store.Transition{{Heartbeat: pinged, Change: change}}); err != nil {
			return err
		}
		incidents, err := tx.Incidents(store.IncidentFilter{Project: w.project.Key, Heartbeat: h.Key, Limit: 1})
		if err != nil {
			return err
		}
		th.incident = incidents[0].ID
		c, err := tx.AddChannel(monitor.Channel{Project: w.project.Key, Kind: "webhook", Name: name, Settings: map[string]any{"url": "https://example.com/"}, Created: w.now()})
		if err != nil {
			return err
		}
		policy, err := tx.SavePolicy(monitor.Policy{Project: w.project.Key, Slug: name, Name: name, Created: w.now(), Steps: []monitor.PolicyStep{{Channels: []string{c.ID}}}})
		if err != nil {
			return err
		}
		th.policy = policy.Slug
		k, err := tx.AddAPIKey(monitor.APIKey{Project: w.project.Key, Name: name, Created: w.now()}, name)
		if err != nil {
			return err
		}
		i, err := tx.AddInvitation(monitor.Invitation{
			Project: w.project.Key, Email: name + "@example.com", Role: auth.Viewer, InvitedBy: "owner", Created: w.now(), ExpiresAt: w.now().Add(time.Hour),
		}, auth.HashKey(th.token))
		if err != nil {
			return err
		}
		p, err := tx.AddPerson(monitor.Person{Email: name + "@example.org", Name: name, Created: w.now()}, "x")
		if err != nil {
			return err
		}
		th.channel, th.key, th.invitation, th.person = c.ID, k.ID, i.ID, p.ID
		return tx.SetMember(w.project.Key, p.ID, auth.Viewer, w.now())
	})
	return th
}

// path fills resources into a pattern.
func (th resources) path(pattern string) string {
	_, path, _ := strings.Cut(pattern, " ")
	id := map[string]string{
		"/incidents/": th.incident, "/channels/": th.channel, "/api-keys/": th.key, "/team/invitations/": th.invitation,
		"/account/sessions/": "none", "/live/incidents/": th.incident, "/team/": th.person,
	}
	longest := ""
	for prefix := range id {
		if strings.HasPrefix(path, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return strings.NewReplacer("{key}", th.ref, "{id}", id[longest], "{n}", "1", "{token}", th.token, "{policy}", th.policy, "{project}", "main",
		"{page}", "first-heartbeat").Replace(path)
}

func TestRoutes_AdmitExactlyTheExpectedRoles(t *testing.T) {
	onEach(t, func(w *fixture) {
		n := 1
		th := w.createResources(n)
		for _, rt := range w.site.routes() {
			want, known := expectedStatus[rt.pattern]
			if !known {
				w.Errorf("%s: expectedStatus has no entry", rt.pattern)
				continue
			}
			var got []string
			for _, who := range visitors {
				status := w.statusFor(who, rt, th)
				got = append(got, fmt.Sprint(status))
				// A request that succeeded may have changed or deleted what it names.
				if !strings.HasPrefix(rt.pattern, "GET ") && status < http.StatusBadRequest {
					n++
					th = w.createResources(n)
				}
			}
			if said := strings.Join(got, " "); said != want {
				w.Errorf("%s:\n  got  %s\n  want %s (for %q)", rt.pattern, said, want, visitors)
			}
		}
		if log := w.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
			w.Errorf("the log has\n%s", log)
		}
		if log := w.log.String(); !strings.Contains(log, "request denied") || !strings.Contains(log, w.person("viewer").ID) {
			w.Error("the log does not name the person of a denied request")
		}
	})
}

// statusFor sends an empty request to a route, and returns the status.
func (w *fixture) statusFor(who string, rt route, th resources) int {
	w.Helper()
	method, _, _ := strings.Cut(rt.pattern, " ")
	path := th.path(rt.pattern)
	form := w.withOrigin(who, url.Values{})
	if method == http.MethodPost {
		form = w.withVersion(who, path, form)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if rt.isStream {
		ctx, cancel := context.WithTimeout(w.Context(), 250*time.Millisecond)
		defer cancel()
		r = r.WithContext(ctx)
	}
	a := w.send(who, r)
	if rt.pattern == "POST /sign-out" {
		delete(w.cookies, who)
	}
	if a.code == http.StatusSeeOther && who == "" && rt.right != anyone && !strings.HasPrefix(a.location(), "/sign-in") {
		w.Errorf("%s without a session redirects to %s", rt.pattern, a.location())
	}
	return a.code
}

func TestRoutes_ExpectedStatusHasNoStaleEntry(t *testing.T) {
	onEach(t, func(w *fixture) {
		for pattern := range expectedStatus {
			if !slices.ContainsFunc(w.site.routes(), func(rt route) bool { return rt.pattern == pattern }) {
				w.Errorf("there is no route %s", pattern)
			}
		}
	})
}

func TestRoutes_ViewersAndStrangersSeeNoPingURL(t *testing.T) {
	onEach(t, func(w *fixture) {
		th := w.createResources(1)
		for _, rt := range w.site.routes() {
			if !strings.HasPrefix(rt.pattern, "GET ") || rt.isStream {
				continue
			}
			for _, who := range []string{"", "viewer", "stranger"} {
				if a := w.get(who, th.path(rt.pattern)); strings.Contains(a.body, th.heartbeat) {
					w.Errorf("%s shows %q the id of a heartbeat", rt.pattern, who)
				}
			}
		}
		if a := w.get("member", "/heartbeats/"+th.ref); !strings.Contains(a.body, th.heartbeat) {
			w.Error("a member does not see it either; the test proves nothing")
		}
	})
}

func TestNew_RejectsARouteWithoutARight(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, rt := range []route{{pattern: "GET /x", handle: notFound}, {pattern: "GET /x", right: anyone}} {
			if err := w.site.mount(http.NewServeMux(), rt); err == nil {
				w.Errorf("%+v was taken", rt)
			}
		}
	})
}

func TestNotFound_AWrongMethodGetsTheAllowedOnes(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, c := range []struct{ method, path, allow string }{
			{"DELETE", "/heartbeats", "GET, HEAD, POST"},
			{"POST", "/audit", "GET, HEAD"},
			{"GET", "/sign-out", "POST"},
			{"PUT", "/channels/x/test", "POST"},
		} {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			a := w.send("owner", r)
			if a.code != http.StatusMethodNotAllowed || a.header.Get("Allow") != c.allow {
				w.Errorf("%s %s: %d, Allow %q; want 405, %q", c.method, c.path, a.code, a.header.Get("Allow"), c.allow)
			}
		}
		for _, path := range []string{"/nowhere", "/heartbeats/x/y/z"} {
			if a := w.get("owner", path); a.code != http.StatusNotFound || a.header.Get("Allow") != "" {
				w.Errorf("%s: %d", path, a.code)
			}
		}
	})
}
