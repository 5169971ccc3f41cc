package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/auth"
)

func TestCreateKey_ShowsTheKeyOnceUntilRevoked(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectText(w.post("admin", "/api-keys", url.Values{"name": {""}}), 422, "Enter a name")
		page := w.post("admin", "/api-keys", url.Values{"name": {hostileName}, "read_only": {"on"}})
		secret := regexp.MustCompile(`ovd_[A-Z2-7]{40}`).FindString(page.body)
		w.expectText(page, 200, "Copy it now", testBaseURL+"/api/v1")
		a, known, err := auth.NewKeys(w.db).Actor(w.Context(), secret, "192.0.2.1", w.now())
		if err != nil || !known || a.Role != auth.Viewer {
			w.Fatalf("%+v, %t, %v", a, known, err)
		}
		list := w.get("admin", "/api-keys")
		w.expectText(list, 200, secret[:8]+"…", "by admin", "Read only")
		if strings.Contains(list.body, secret) || strings.Contains(list.body, "<script>alert") {
			w.Error("the key is shown again, or its name became markup")
		}
		id := regexp.MustCompile(`/api-keys/([0-9a-f-]{36})/revoke`).FindStringSubmatch(list.body)
		w.expectText(w.post("stranger", "/api-keys/"+id[1]+"/revoke", nil), 404)
		w.expectRedirect(w.post("admin", "/api-keys/"+id[1]+"/revoke", nil), "/api-keys")
		if _, known, _ := auth.NewKeys(w.db).Actor(w.Context(), secret, "192.0.2.1", w.now()); known {
			w.Error("the revoked key still works")
		}
	})
}

func TestSaveSettings_ChangesTheProject(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectText(w.post("admin", "/settings", url.Values{"name": {"a\nb"}, "timezone": {"CET of mine"}}), 422, "in one line", "CET of mine")
		w.expectRedirect(w.post("admin", "/settings", url.Values{"name": {"Production"}, "timezone": {"Europe/Berlin"}}), "/settings")
		w.expectText(w.get("admin", "/settings"), 200, `value="Production"`, "Settings saved.", `data-tz="Europe/Berlin"`)
	})
}

func TestProject_IsCreatedChosenAndDeleted(t *testing.T) {
	onEach(t, func(w *fixture) {
		th := w.createResources(1)
		w.expectText(w.get("owner", "/projects/main/delete"), 200, "Type the name")
		w.expectText(w.get("owner", "/projects/main/delete"), 200, "1 incident is unresolved. It ends without a notification")
		w.failHeartbeat("backup", time.Minute)
		w.expectText(w.get("owner", "/projects/main/delete"), 200, "2 incidents are unresolved")
		w.expectText(w.post("owner", "/projects/main/delete", url.Values{"confirm": {"main"}}), 409, "last project")
		w.expectText(w.post("owner", "/projects", url.Values{"name": {""}, "timezone": {"UTC"}}), 422, "Enter a name")
		w.expectRedirect(w.post("owner", "/projects", url.Values{"name": {"Main"}, "timezone": {"UTC"}}), "/heartbeats")
		w.expectText(w.get("owner", "/settings"), 200, "2 projects", `value="Main"`)
		w.expectText(w.post("owner", "/projects/main/delete", url.Values{"confirm": {"Main"}}), 422, "Enter the name of the project")
		w.expectText(w.get("member", "/heartbeats/"+th.ref), 200)
		w.expectText(w.get("owner", "/settings"), 200, "No one is notified.") // nothing is in the new one
		w.expectRedirect(w.post("owner", "/projects/main/delete", url.Values{"confirm": {"main"}}), "/heartbeats")
		w.expectText(w.get("owner", "/settings"), 200, "1 project", "deleted")
		w.expectText(w.get("member", "/heartbeats/"+th.ref), 404)
		w.expectText(w.get("member", "/heartbeats"), 403)
	})
}

func TestShowAudit_DistinguishesActorsOfTheSameName(t *testing.T) {
	onEach(t, func(w *fixture) {
		member, h := w.person("member"), w.createHeartbeat("backup")
		w.expectRedirect(w.post("member", "/account", url.Values{"name": {"Owner"}}), "/account")
		w.expectRedirect(w.post("member", "/heartbeats/"+h.Ref+"/pause", nil), "/heartbeats/"+h.ID)
		w.expectRedirect(w.post("member", "/account", url.Values{"name": {"member"}}), "/account")
		w.expectRedirect(w.post("owner", "/heartbeats/"+h.Ref+"/resume", nil), "/heartbeats/"+h.ID)
		theirs := w.get("admin", "/audit?actor="+member.ID)
		w.expectText(theirs, 200, "Only entries of", "paused", "192.0.2.1", ">Person<", member.ID[len(member.ID)-8:])
		w.expectNone(theirs, "resumed")
		all := w.get("admin", "/audit")
		w.expectText(all, 200, "paused", "resumed", `href="/audit?actor=`+member.ID+`"`)
	})
}

func TestShowAudit_RecordsDownloads(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.expectText(w.get("viewer", "/heartbeats/"+h.Ref+"/events.csv"), 200)
		w.expectText(w.get("viewer", "/incidents.csv"), 200)
		w.expectText(w.get("admin", "/audit?q=viewer"), 200, "downloaded the event log of", "downloaded the list of", "192.0.2.1")
	})
}

func TestShowAudit_ShowsActorActionAndSource(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectRedirect(w.post("admin", "/settings", url.Values{"name": {"Production"}, "timezone": {"UTC"}}), "/settings")
		w.expectRedirect(w.post("owner", "/team/"+w.person("member").ID+"/role", url.Values{"role": {"viewer"}}), "/team")
		w.expectText(w.get("admin", "/audit"), 200, "<bdi>admin</bdi>", ">Person<", "changed the project", "name “main” to “Production”", "192.0.2.1",
			"changed the role of", "<b>member</b>", "member to viewer")
		found := w.get("admin", "/audit?q=PROD")
		w.expectText(found, 200, "changed the project")
		if strings.Contains(found.body, "changed the role of") {
			w.Error("the search has results; want none")
		}
		w.expectText(w.get("admin", "/audit?q=%00"), 200, "No matching entries")
		w.expectText(w.get("admin", "/audit?after=nonsense"), 422)
		for range 51 {
			w.expectRedirect(w.post("admin", "/settings", url.Values{"name": {"A"}, "timezone": {"UTC"}}), "/settings")
			w.expectRedirect(w.post("admin", "/settings", url.Values{"name": {"B"}, "timezone": {"UTC"}}), "/settings")
		}
		to := func(a response, rel string) string {
			m := regexp.MustCompile(`<a class="btn" href="([^"]+)" rel="` + rel + `"`).FindStringSubmatch(a.body)
			if m == nil {
				return ""
			}
			return strings.ReplaceAll(m[1], "&amp;", "&")
		}
		// Forwards and backwards, each page is the same.
		pages := []response{w.get("admin", "/audit")}
		for to(pages[len(pages)-1], "next") != "" {
			pages = append(pages, w.get("admin", to(pages[len(pages)-1], "next")))
		}
		if len(pages) != 3 || to(pages[0], "prev") != "" {
			w.Fatalf("%d pages; want 3, none before the first", len(pages))
		}
		w.expectText(pages[1], 200, "51–100", "changed the project")
		rows := regexp.MustCompile(`(?s)<tbody>.*</tbody>`)
		at := pages[2]
		for n := 1; n >= 0; n-- {
			at = w.get("admin", to(at, "prev"))
			if rows.FindString(at.body) != rows.FindString(pages[n].body) {
				w.Errorf("page %d is another one on the way back", n+1)
			}
		}
		if to(at, "prev") != "" || to(at, "next") == "" {
			w.Error("the first page has a previous page, or no next one")
		}
	})
}
