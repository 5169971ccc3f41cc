package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/docsite"
)

// heartbeatWithName creates a heartbeat in the project of the fixture.
func (w *fixture) heartbeatWithName(name string) monitor.Heartbeat {
	w.Helper()
	interval := "24h"
	h, err := w.service.CreateHeartbeat(w.Context(), w.actor("owner"), manage.HeartbeatEdit{Name: &name, Interval: &interval})
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// htmlOutline is the part of a manual page that the tests check.
type htmlOutline struct {
	headings int // of the first level
	ids      map[string]bool
	links    []string
}

// parseOutline parses a page.
func parseOutline(t *testing.T, page string) htmlOutline {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	o := htmlOutline{ids: map[string]bool{}}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "h1" {
			o.headings++
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && o.ids[a.Val]:
				t.Errorf("the anchor %s exists twice", a.Val)
			case a.Key == "id":
				o.ids[a.Val] = true
			case a.Key == "href" && n.Data == "a":
				o.links = append(o.links, a.Val)
			}
		}
	}
	return o
}

func TestDocs_EveryPageIsPublicAndItsLinksResolve(t *testing.T) {
	onEach(t, func(w *fixture) {
		pages := map[string]htmlOutline{}
		b, err := docsite.Load()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range b.Order {
			a := w.get("", "/docs/"+l.Slug)
			if a.code != http.StatusOK || !strings.Contains(a.body, ">"+l.Title+"</h1>") {
				t.Fatalf("%s: %d", l.Slug, a.code)
			}
			o := parseOutline(t, a.body)
			if o.headings != 1 {
				t.Errorf("%s has %d titles", l.Slug, o.headings)
			}
			if !strings.Contains(a.body, "Sign in") || strings.Contains(a.body, "Open Overdue") {
				t.Errorf("%s does not offer to sign in", l.Slug)
			}
			pages["/docs/"+l.Slug] = o
		}
		open := regexp.MustCompile(`^/(docs/search|sign-in|api/v1/openapi\.json)?$`)
		for from, o := range pages {
			for _, to := range o.links {
				path, id, within := strings.Cut(to, "#")
				target, known := pages[path]
				if path == "" {
					target, known = o, true
				}
				switch {
				case strings.HasPrefix(to, "https://"), open.MatchString(path), path == "/docs":
				case !known:
					t.Errorf("%s links to %s, which does not exist", from, to)
				case within && !target.ids[id]:
					t.Errorf("%s links to %s, which has no anchor %s", from, to, id)
				}
			}
		}
		if a := w.get("", "/docs"); a.location() != "/docs/first-heartbeat" {
			t.Errorf("/docs redirects to %q", a.location())
		}
		if a := w.get("", "/docs/nothing"); a.code != http.StatusNotFound {
			t.Errorf("an unknown page: %d", a.code)
		}
	})
}

func TestDocs_ShowTheReadersPingURL(t *testing.T) {
	onEach(t, func(w *fixture) {
		first, newest := w.heartbeatWithName("First"), w.heartbeatWithName("Newest")
		pings := func(as, path string) (ids []string) {
			seen := map[string]bool{}
			for _, m := range regexp.MustCompile(`/api/v1/hb/([0-9a-f-]{36}|YOUR-ID)`).FindAllStringSubmatch(w.get(as, path).body, -1) {
				if !seen[m[1]] {
					ids = append(ids, m[1])
				}
				seen[m[1]] = true
			}
			return ids
		}
		for _, test := range []struct{ as, path, want string }{
			{"", "/docs/integrations", docsite.PlaceholderID},
			{"", "/docs/integrations?heartbeat=" + first.Ref, docsite.PlaceholderID},
			{"viewer", "/docs/integrations", docsite.PlaceholderID},
			{"viewer", "/docs/integrations?heartbeat=" + first.Ref, docsite.PlaceholderID},
			{"stranger", "/docs/integrations", docsite.PlaceholderID},
			{"member", "/docs/integrations", newest.ID},
			{"member", "/docs/first-heartbeat", newest.ID},
			{"member", "/docs/integrations?heartbeat=" + first.Ref, first.ID},
			{"owner", "/docs/pinging", newest.ID},
		} {
			if got := pings(test.as, test.path); len(got) != 1 || got[0] != test.want {
				t.Errorf("%q reads %s with %v; want %s", test.as, test.path, got, test.want)
			}
		}
		if a := w.get("stranger", "/docs/integrations?heartbeat="+first.Ref); a.code != http.StatusNotFound && strings.Contains(a.body, first.ID) {
			t.Error("a heartbeat of another project was filled in")
		}
		page := w.get("member", "/docs/integrations?heartbeat="+first.Ref).body
		if !strings.Contains(page, `<option value="`+first.Ref+`" selected>First</option>`) || !strings.Contains(page, "Open Overdue") {
			t.Error("the page does not name the heartbeat of its ping URL")
		}
	})
}

func TestDocs_NameTheHeartbeatBeforeItsPingURL(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.heartbeatWithName("Sync")
		for _, page := range []string{"first-heartbeat", "integrations", "pinging", "command-line"} {
			body := w.get("member", "/docs/"+page).body
			before, _, found := strings.Cut(body, h.ID)
			if !found || !strings.Contains(before, "Use the ping URL of") || !strings.Contains(before, `selected>Sync</option>`) {
				w.Errorf("%s shows a ping URL before it names the heartbeat", page)
			}
			if n := strings.Count(body, "Use the ping URL of"); n != 1 {
				w.Errorf("%s names the heartbeat of its ping URL %d times", page, n)
			}
		}
	})
}

func TestDocs_EscapeHeartbeatNames(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.heartbeatWithName(`"><script>alert(1)</script>`)
		if page := w.get("member", "/docs/integrations").body; strings.Contains(page, "<script>alert") {
			t.Error("the name of a heartbeat is not escaped")
		}
	})
}

func TestDocsSearch_WorksWithoutScript(t *testing.T) {
	onEach(t, func(w *fixture) {
		a := w.get("", "/docs/search?q=grace+period")
		if a.code != http.StatusOK || !strings.Contains(a.body, `<mark>grace</mark>`) || !strings.Contains(a.body, `href="/docs/grace-period"`) {
			t.Errorf("search: %d\n%s", a.code, a.body)
		}
		if a := w.get("", "/docs/search?q=by-slug"); !strings.Contains(a.body, `href="/docs/api#op-put-heartbeat"`) {
			t.Error("the reference is not searched")
		}
		if a := w.get("", "/docs/search?q="+url.QueryEscape(`<script>"`)); strings.Contains(a.body, `<script>"`) {
			t.Error("the query is not escaped")
		}
		if a := w.get("", "/docs/search?q=zzzz"); !strings.Contains(a.body, "No results") {
			t.Errorf("nothing found: %s", a.body)
		}
		if a := w.get("", "/docs/search"); a.code != http.StatusOK {
			t.Errorf("an empty search: %d", a.code)
		}
	})
}

func TestDocsFeedback_IsShownToOwnersOnly(t *testing.T) {
	onEach(t, func(w *fixture) {
		say := func(as, helpful, comment string) response {
			return w.post(as, "/docs/feedback", url.Values{"page": {"statuses"}, "helpful": {helpful}, "comment": {comment}})
		}
		if a := say("", "yes", ""); a.code != http.StatusSeeOther || a.location() != "/docs/statuses?noted=1#helpful" {
			t.Errorf("yes: %d %s", a.code, a.location())
		}
		if page := w.get("", "/docs/statuses?noted=1").body; !strings.Contains(page, "Thank you.") {
			t.Error("the page does not confirm the feedback")
		}
		if a := say("member", "no", "What is <b>Late</b>?"); a.code != http.StatusSeeOther {
			t.Errorf("no: %d", a.code)
		}
		page := w.get("owner", "/feedback").body
		for _, want := range []string{"What is &lt;b&gt;Late&lt;/b&gt;?", `<td class="num">1</td>`, "Not helpful, member", ">Statuses</a>"} {
			if !strings.Contains(page, want) {
				t.Errorf("no %s in\n%s", want, page)
			}
		}
		for as, want := range map[string]int{"": http.StatusSeeOther, "viewer": 403, "member": 403, "admin": 403} {
			if a := w.get(as, "/feedback"); a.code != want {
				t.Errorf("%q reads the feedback: %d; want %d", as, a.code, want)
			}
		}
	})
}

func TestDocsFeedback_AnInvalidCommentComesBack(t *testing.T) {
	onEach(t, func(w *fixture) {
		long := strings.Repeat("a", 2001)
		a := w.post("", "/docs/feedback", url.Values{"page": {"statuses"}, "helpful": {"no"}, "comment": {long}})
		if a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, long) || !strings.Contains(a.body, "longer than 2000 characters") {
			t.Errorf("a long comment: %d", a.code)
		}
		for name, form := range map[string]url.Values{
			"no page":    {"page": {"nothing"}, "helpful": {"yes"}},
			"no answer":  {"page": {"statuses"}},
			"some other": {"page": {"statuses"}, "helpful": {"maybe"}},
		} {
			if a := w.post("", "/docs/feedback", form); a.code != http.StatusBadRequest {
				t.Errorf("%s: %d", name, a.code)
			}
		}
		r := httptest.NewRequest(http.MethodPost, "/docs/feedback", strings.NewReader("page=statuses&helpful=yes"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if a := w.sendRaw(r); a.code != http.StatusForbidden {
			t.Errorf("from another site: %d", a.code)
		}
		if page := w.get("owner", "/feedback").body; !strings.Contains(page, "No answers yet.") {
			t.Error("secrets were kept")
		}
	})
}

func TestDocsFeedback_IsPaginated(t *testing.T) {
	onEach(t, func(w *fixture) {
		for n := range 60 {
			comment := "remark " + string(rune('A'+n%26)) + string(rune('a'+n/26))
			if err := w.service.AddFeedback(t.Context(), w.actor("member"), "pinging", true, comment); err != nil {
				t.Fatal(err)
			}
		}
		first := w.get("owner", "/feedback").body
		next := regexp.MustCompile(`href="(/feedback\?cursor=[^"]+)"`).FindStringSubmatch(first)
		if next == nil || strings.Count(first, "<blockquote>") != 50 || !strings.Contains(first, "1–50") || !strings.Contains(first, `<td class="num">60</td>`) {
			t.Fatalf("the first page has %d comments", strings.Count(first, "<blockquote>"))
		}
		second := w.get("owner", strings.ReplaceAll(next[1], "&amp;", "&")).body
		if strings.Count(second, "<blockquote>") != 10 || !strings.Contains(second, "51–60") || !strings.Contains(second, "remark Aa") {
			t.Errorf("the second page has %d comments", strings.Count(second, "<blockquote>"))
		}
	})
}
