package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"overdue/internal/auth"
	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
	"overdue/internal/web/present"
	"overdue/internal/web/view/ui"
)

// expectText fails the test unless a response has a status and contains the texts.
func (w *fixture) expectText(a response, code int, texts ...string) {
	w.Helper()
	if a.code != code {
		w.Errorf("status %d with location %q; want %d", a.code, a.location(), code)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			w.Errorf("the page lacks %q:\n%s", text, a.body)
		}
	}
}

// expectRedirect fails the test unless a response redirects to a path.
func (w *fixture) expectRedirect(a response, path string) {
	w.Helper()
	if a.code != http.StatusSeeOther || a.location() != path {
		w.Errorf("status %d with location %q; want 303 to %q\n%s", a.code, a.location(), path, a.body)
	}
}

func TestSetup_EveryPageLeadsThereUntilAnOwnerExists(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			w := newEmptyFixture(t, address)
			for _, path := range []string{"/heartbeats", "/account", "/sign-in", "/settings"} {
				w.expectRedirect(w.get("", path), "/setup")
			}
			w.expectText(w.get("", "/setup"), 200, "is not set up yet")
			w.expectText(w.get("", "/docs/first-heartbeat"), 200)
			w.expectText(w.get("", "/setup?token=wrong"), 200, "has expired or was already used")
			token, _, err := w.people.CreateSetupLink(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w.expectText(w.get("", "/setup?token="+token), 200, `value="`+token+`"`, "Create owner account", testBaseURL+"/api/v1/hb/")
			form := url.Values{"token": {token}, "name": {hostileName}, "email": {"ada"}, "password": {"short"}, "project": {""}, "timezone": {"Mars"}}
			again := w.post("", "/setup", form)
			w.expectText(again, 422, "Write an email address", "at least 12 characters", "Mars")
			if strings.Contains(again.body, "<script>alert") || strings.Contains(again.body, "short") {
				t.Error("the form comes back with markup, or with the password")
			}
			form = url.Values{"token": {token}, "name": {"Ada"}, "email": {"ada@example.com"}, "password": {testPassword}, "project": {"Production"}, "timezone": {"Europe/Berlin"}}
			done := w.post("", "/setup", form)
			w.expectRedirect(done, "/heartbeats")
			w.cookies["ada"] = done.sessionCookie
			w.expectText(w.get("ada", "/settings"), 200, "Production", "Europe/Berlin")
			w.expectRedirect(w.get("", "/setup?token="+token), "/sign-in")
			w.expectText(w.post("", "/setup", form), 404)
		})
	}
}

func TestSignIn_LeadsBackToTheRequestedPage(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectRedirect(w.get("", "/heartbeats?status=down"), "/sign-in?next=%2Fheartbeats%3Fstatus%3Ddown")
		w.expectText(w.get("", "/sign-in?next=%2Fteam"), 200, `value="/team"`)
		for next, to := range map[string]string{
			"/team?x=1": "/team?x=1", "": "/heartbeats", "https://evil.example/": "/heartbeats", "//evil.example/": "/heartbeats", "///evil.example/": "/heartbeats",
			`/\evil.example`: "/heartbeats", "javascript:alert(1)": "/heartbeats", "/\t/evil.example": "/heartbeats", "team": "/heartbeats",
		} {
			a := w.post("", "/sign-in", url.Values{"email": {"owner@example.com"}, "password": {testPassword}, "next": {next}})
			w.expectRedirect(a, to)
			if a.sessionCookie == nil || !a.sessionCookie.HttpOnly || !a.sessionCookie.Secure || !strings.HasPrefix(a.sessionCookie.Name, "__Host-") {
				w.Errorf("cookie %+v", a.sessionCookie)
			}
		}
		kept := w.post("", "/sign-in", url.Values{"email": {"owner@example.com"}, "password": {testPassword}, "keep": {"on"}})
		if days := kept.sessionCookie.MaxAge / 86400; days < 29 || days > 30 {
			w.Errorf("kept for %d days; want 30", days)
		}
		w.expectRedirect(w.post("owner", "/sign-out", nil), "/sign-in?note=out")
		w.expectRedirect(w.get("owner", "/account"), "/sign-in?next=%2Faccount")
		w.expectText(w.get("", "/sign-in?note=out"), 200, "You have been signed out.")
	})
}

func TestSignIn_RejectsAWrongPasswordAndLimitsAttempts(t *testing.T) {
	onEach(t, func(w *fixture) {
		try := func(email string) response {
			return w.post("", "/sign-in", url.Values{"email": {email}, "password": {"wrong wrong wrong"}, "next": {"/team"}})
		}
		known, unknown := try("owner@example.com"), try("nobody@example.com")
		w.expectText(known, 422, "Incorrect email or password", `value="/team"`)
		// The two pages may show different seconds.
		clock := regexp.MustCompile(`[0-9T:-]+Z|\d\d:\d\d:\d\d`)
		timeless := func(a response, name string) string {
			return clock.ReplaceAllString(strings.ReplaceAll(a.body, name+"@", ""), "")
		}
		if timeless(known, "owner") != timeless(unknown, "nobody") {
			w.Error("the page reveals whether an address has an account")
		}
		for range 9 {
			try("owner@example.com")
		}
		rest := try("owner@example.com")
		w.expectText(rest, 429, "Too many attempts. Wait 15 minutes")
		if rest.header.Get("Retry-After") == "" {
			w.Error("no Retry-After")
		}
	})
}

func TestSecurityHeaders_AreOnEveryResponse(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, path := range []string{"/sign-in", "/heartbeats", "/nothing", "/account"} {
			h := w.get("owner", path).header
			for name, value := range map[string]string{
				"Content-Security-Policy": contentSecurityPolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
				"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
			} {
				if h.Get(name) != value {
					w.Errorf("%s: %s is %q; want %q", path, name, h.Get(name), value)
				}
			}
			if !strings.Contains(strings.Join(h.Values("Cache-Control"), ","), "no-store") || h.Get("Permissions-Policy") == "" {
				w.Errorf("%s: %v", path, h)
			}
		}
		for _, directive := range []string{"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "object-src 'none'"} {
			if !strings.Contains(contentSecurityPolicy, directive) || strings.Contains(contentSecurityPolicy, "unsafe") {
				w.Errorf("the policy %q lacks %s, or contains \"unsafe\"", contentSecurityPolicy, directive)
			}
		}
		w.expectText(w.get("owner", "/nothing"), 404, "Page not found")
		w.expectRedirect(w.get("owner", "/"), "/heartbeats")
	})
}

func TestCrossOriginProtection_RejectsAFormFromAnotherSite(t *testing.T) {
	onEach(t, func(w *fixture) {
		for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := httptest.NewRequest("POST", "/account", strings.NewReader("name=Eve"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header, value)
			w.expectText(w.send("owner", r), 403, "sent from another site")
		}
		// A proxy may change the Host header; the public origin is trusted.
		r := httptest.NewRequest("POST", "http://10.0.0.1/account", strings.NewReader(w.withOrigin("owner", url.Values{"name": {"Ada"}, ui.VersionField: {"Owner"}}).Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", testBaseURL)
		w.expectRedirect(w.send("owner", r), "/account")
		if p := w.person("owner"); p.Name != "Ada" {
			w.Errorf("the owner is called %q", p.Name)
		}
	})
}

func TestAccount_ChangesNamePasswordAndSessions(t *testing.T) {
	onEach(t, func(w *fixture) {
		r := httptest.NewRequest("POST", "/sign-in", strings.NewReader(url.Values{"email": {"owner@example.com"}, "password": {testPassword}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
		w.cookies["elsewhere"] = w.sendRaw(r).sessionCookie
		page := w.get("owner", "/account")
		w.expectText(page, 200, "Firefox on Linux", "This browser", "2 browsers", "Sign out everywhere else")
		w.expectText(w.post("owner", "/account", url.Values{"name": {" "}}), 422, "Enter a name")
		w.expectRedirect(w.post("owner", "/account", url.Values{"name": {hostileName}}), "/account")
		page = w.get("owner", "/account")
		w.expectText(page, 200, "Name saved.")
		if strings.Contains(page.body, "<script>alert") {
			w.Error("a name is not escaped")
		}
		if strings.Contains(w.get("owner", "/account").body, "Name saved.") {
			w.Error("the toast is shown twice")
		}
		w.expectText(w.post("owner", "/account/password", url.Values{"old_password": {"wrong"}, "new_password": {testPassword + "!"}}), 422, "Incorrect password")
		id := regexp.MustCompile(`/account/sessions/([0-9a-f-]{36})/end`).FindStringSubmatch(page.body)
		if id == nil {
			w.Fatal("no session to end")
		}
		w.expectRedirect(w.post("member", "/account/sessions/"+id[1]+"/end", nil), "/account")
		w.expectText(w.get("elsewhere", "/account"), 200) // a stranger's wish ends nothing
		w.expectRedirect(w.post("owner", "/account/sessions/"+id[1]+"/end", nil), "/account")
		w.expectRedirect(w.get("elsewhere", "/account"), "/sign-in?next=%2Faccount")
		changed := w.post("owner", "/account/password", url.Values{"old_password": {testPassword}, "new_password": {testPassword + "!"}})
		w.expectRedirect(changed, "/account")
		w.expectRedirect(w.get("owner", "/account"), "/sign-in?next=%2Faccount") // with the token from before
		w.cookies["owner"] = changed.sessionCookie
		w.expectText(w.get("owner", "/account"), 200, "Password changed", "API keys that you created still work")
	})
}

func TestInvite_WorksByLinkAndByMail(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectText(w.post("admin", "/team/invitations", url.Values{"email": {"bob"}, "role": {"member"}}), 422, "Write an email address")
		w.expectText(w.post("admin", "/team/invitations", url.Values{"email": {"bob@example.com"}, "role": {"owner"}}), 422, "choose a lower one")
		w.expectText(w.post("admin", "/team/invitations", url.Values{"email": {"Viewer@example.com"}, "role": {"member"}}), 422, "is already a member of this project")
		page := w.post("admin", "/team/invitations", url.Values{"email": {"bob@example.com"}, "role": {"member"}})
		w.expectText(page, 200, "It was also sent by email")
		link := regexp.MustCompile(testBaseURL + `(/invitations/[A-Z0-9]+)`).FindStringSubmatch(page.body)
		if link == nil || len(w.mails) != 1 || w.mails[0].to != "bob@example.com" || !strings.Contains(w.mails[0].text, link[0]) {
			w.Fatalf("link %q, mails %+v", link, w.mails)
		}
		if team := w.get("admin", "/team"); strings.Contains(team.body, link[1]) {
			w.Error("the link is shown again")
		}
		w.expectText(w.get("", link[1]), 200, "Join main", "bob@example.com", "member")
		w.expectText(w.get("", link[1]), 200) // looking does not use it up
		w.expectText(w.post("", link[1], url.Values{"name": {""}, "password": {"short"}}), 422, "Enter a name", "at least 12 characters")
		joined := w.post("", link[1], url.Values{"name": {"Bob"}, "password": {testPassword}})
		w.expectRedirect(joined, "/heartbeats")
		w.cookies["bob"] = joined.sessionCookie
		w.expectText(w.get("bob", "/team"), 200, "Bob", "you")
		w.expectText(w.get("", link[1]), http.StatusGone, "no longer valid")
		w.expectText(w.post("", link[1], url.Values{"name": {"Eve"}, "password": {testPassword}}), http.StatusGone)
	})
}

func TestRemoveMember_TakesEffectAtOnce(t *testing.T) {
	onEach(t, func(w *fixture) {
		th := w.createResources(1)
		w.expectText(w.get("member", "/heartbeats/"+th.ref), 200)
		w.expectRedirect(w.post("admin", "/team/"+w.person("member").ID+"/remove", nil), "/team")
		w.expectText(w.get("member", "/heartbeats/"+th.ref), 404)
		w.expectText(w.get("member", "/heartbeats"), 403, "You no longer belong to a project")
		w.expectText(w.get("member", "/account"), 200)
		w.expectText(w.post("owner", "/team/"+w.person("owner").ID+"/remove", nil), 409, "last owner cannot leave")
		w.expectRedirect(w.post("viewer", "/team/"+w.person("viewer").ID+"/remove", nil), "/account")
	})
}

func TestAuthorize_ALinkOpensItsOwnProject(t *testing.T) {
	onEach(t, func(w *fixture) {
		th := w.createResources(1)
		w.update(func(tx *store.Tx) error {
			p, _, _, err := tx.PersonByEmail("stranger@example.com")
			if err != nil {
				return err
			}
			return tx.SetMember(w.project.Key, p.ID, auth.Viewer, w.now())
		})
		w.expectText(w.get("stranger", "/settings"), 200, "<b>elsewhere</b>")
		page := w.get("stranger", "/heartbeats/"+th.ref)
		w.expectText(page, 200, "<small>Project</small><b>main</b>")
		if strings.Contains(page.body, th.heartbeat) {
			w.Error("a viewer of this project sees its ping URL")
		}
		here := url.Values{ui.OriginProjectField: {projectID(w.project)}}
		w.expectText(w.post("stranger", "/heartbeats/"+th.ref+"/pause", here), 403)
		w.expectText(w.get("stranger", "/settings"), 403) // it looks at main now
		w.expectRedirect(w.post("stranger", "/projects/elsewhere/choose", nil), "/heartbeats")
		w.expectText(w.get("stranger", "/settings"), 200)
		w.expectText(w.post("stranger", "/projects/nowhere/choose", nil), 404)
	})
}

func TestSite_CompressesPages(t *testing.T) {
	onEach(t, func(w *fixture) {
		for path, want := range map[string]string{"/heartbeats": "gzip", "/team": "gzip"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Accept-Encoding", "gzip")
			if got := w.send("owner", r).header.Get("Content-Encoding"); got != want {
				w.Errorf("%s: encoding %q; want %q", path, got, want)
			}
		}
	})
}

func TestRenderError_LogsAnInternalErrorAndHidesItsCause(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, c := range []struct {
			err  error
			code int
			text string
		}{
			{fmt.Errorf("secret cause: %w", manage.ErrUnavailable), 503, "is unavailable"},
			{errors.New("secret cause"), 500, "Server error"},
			{monitor.Faultf(monitor.Conflict, "", "Ada has changed it."), 409, "Ada has changed it."},
		} {
			w.log.Reset()
			rec := httptest.NewRecorder()
			w.site.newRequest(rec, httptest.NewRequest("GET", "/team", nil)).renderError(c.err)
			if rec.Code != c.code || !strings.Contains(rec.Body.String(), c.text) || strings.Contains(rec.Body.String(), "secret cause") {
				w.Errorf("%v: %d %s", c.err, rec.Code, rec.Body)
			}
			if logged := strings.Contains(w.log.String(), "secret cause"); logged != (c.code >= 500) {
				w.Errorf("%v: the log has %q", c.err, w.log)
			}
		}
	})
}

func TestBrowserName_NamesBrowserAndSystem(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/17.5 Safari/604.1":  "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36":              "Chrome on Android",
		"curl/8.5.0": "curl", "": "Unknown browser", "<b>": "Unknown browser", "X11; Linux": "A browser on Linux",
	} {
		if got := present.BrowserName(agent); got != want {
			t.Errorf("%s: %s; want %s", agent, got, want)
		}
	}
}

// curl -f takes a redirect for success, so a job that pings the address of a page
// would fail silently.
func TestRequireSignIn_AJobThatPingsAPageGetsAnErrorWithTheRightURL(t *testing.T) {
	onEach(t, func(w *fixture) {
		path := "/heartbeats/" + w.createResources(1).heartbeat
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("Accept", "*/*")
			a := w.sendRaw(r)
			if a.code != http.StatusUnauthorized || method != http.MethodHead && !strings.Contains(a.body, testBaseURL+"/api/v1/hb/ID") {
				w.Errorf("%s: %d %s; want 401 and where pings go", method, a.code, a.body)
			}
		}
	})
}
