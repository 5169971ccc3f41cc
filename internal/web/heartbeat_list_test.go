package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/store"
)

// hostileName breaks out of every context in which it is not escaped.
const hostileName = `"><script>alert(1)</script>'&{{.}}`

// createHeartbeat creates a heartbeat as the member.
func (w *fixture) createHeartbeat(name string) monitor.Heartbeat {
	w.Helper()
	h, err := w.service.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("1h"), Grace: new("10m")})
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// ping stores a ping that arrived some time ago.
func (w *fixture) ping(h monitor.Heartbeat, ago time.Duration, p monitor.Ping) {
	w.Helper()
	p.At, p.Method = w.now().Add(-ago), "POST"
	if p.Kind == "" {
		p.Kind = monitor.PingSuccess
	}
	if p.ExitCode == 0 {
		p.ExitCode = monitor.NoExitCode
	}
	w.update(func(tx *store.Tx) error {
		found, err := tx.HeartbeatsForPings([]string{h.ID})
		if err != nil {
			return err
		}
		pinged, change := found[h.ID].ApplyPing(p, p.At)
		_, err = tx.Save(p.At, []store.Transition{{Heartbeat: pinged, Change: change}})
		return err
	})
}

// evaluate evaluates all deadlines up to now.
func (w *fixture) evaluate() {
	w.Helper()
	now := w.now()
	w.update(func(tx *store.Tx) error {
		due, err := tx.DueForEvaluation(now, 1000)
		if err != nil {
			return err
		}
		var judged []store.Transition
		for _, h := range due {
			after, change := h.Evaluate(now)
			judged = append(judged, store.Transition{Heartbeat: after, Change: change})
		}
		_, err = tx.Save(now, judged)
		return err
	})
}

// heartbeatByName returns the current state of a heartbeat.
func (w *fixture) heartbeatByName(name string) (h monitor.Heartbeat) {
	w.Helper()
	l, err := w.service.Heartbeats(w.Context(), w.actor("member"), manage.HeartbeatListQuery{Text: name})
	if err != nil || len(l.Items) == 0 {
		w.Fatalf("no heartbeat %q: %v", name, err)
	}
	return l.Items[0]
}

// expectHTML fails the test unless a response has the status and contains every
// text.
func (w *fixture) expectHTML(a response, code int, texts ...string) {
	w.Helper()
	if a.code != code {
		w.Fatalf("status %d; want %d: %s", a.code, code, a.body)
	}
	if strings.Contains(a.body, "<script>alert") {
		w.Error("a name is not escaped")
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			w.Errorf("the page does not have %q:\n%s", text, a.body)
		}
	}
}

// expectNone fails the test if a response contains one of the texts.
func (w *fixture) expectNone(a response, texts ...string) {
	w.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			w.Errorf("the page has %q", text)
		}
	}
}

// rowNames returns the names in the list.
func rowNames(a response) string {
	var names []string
	for _, m := range regexp.MustCompile(`hb-name"><a[^>]*><bdi>([^<]+)<`).FindAllStringSubmatch(a.body, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, " ")
}

func TestCreateHeartbeat_LeadsToThePingURL(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.expectHTML(w.get("member", "/heartbeats"), 200, "Five steps", `name="interval"`, `value="24h"`)
		w.expectHTML(w.get("member", "/heartbeats/new"), 200, "Expected interval", "Grace period", "every 24")
		saved := w.post("member", "/heartbeats", url.Values{
			"name": {hostileName}, "interval": {"1h"}, "grace": {"10m"}, "schedule": {"interval"}, "channels": {"all"}, "tags": {"a, b"},
		})
		if saved.code != http.StatusSeeOther || !strings.HasPrefix(saved.location(), "/heartbeats/") {
			w.Fatalf("%d %s %s", saved.code, saved.location(), saved.body)
		}
		h := w.heartbeatByName("script")
		if h.Name != hostileName || h.Rule.Interval != time.Hour || h.Rule.Grace != 10*time.Minute || fmt.Sprint(h.Tags) != "[a b]" || !h.AllChannels {
			w.Errorf("saved %+v", h)
		}
		page := w.get("member", saved.location())
		w.expectHTML(page, 200, testBaseURL+"/api/v1/hb/"+h.ID, "Waiting for the first ping", "Saved", `data-live="/live/heartbeats/`+h.Ref)
		w.ping(h, time.Minute, monitor.Ping{})
		w.expectHTML(w.get("member", "/heartbeats/"+h.ID), 200, "Next ping expected in", "Last 100 runs")
	})
}

func TestCreateHeartbeat_ShowsEveryError(t *testing.T) {
	onEach(t, func(w *fixture) {
		form := url.Values{
			"name": {" "}, "interval": {"soon"}, "grace": {"-1s"}, "max_run_time": {"x"}, "channels": {"some"}, "description": {hostileName},
		}
		a := w.post("member", "/heartbeats", form)
		w.expectHTML(a, 422, "Enter a name of 1 to 100 characters.", `aria-invalid="true"`, "Choose at least one channel", `value="soon"`, "as soon as the schedule is valid")
		if n := strings.Count(a.body, `aria-invalid="true"`); n != 4 {
			w.Errorf("%d controls are marked; want name, interval, grace and max run time", n)
		}
		h := w.createHeartbeat("backup")
		a = w.post("member", "/heartbeats/"+h.ID, form)
		w.expectHTML(a, 422, "Edit", "backup", `value="soon"`)
		if got := w.heartbeatByName("backup"); got.Name != "backup" {
			w.Error("a rejected form changed the heartbeat")
		}
	})
}

func TestChangeHeartbeat_ShowsAndSavesEverySetting(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		h := w.createHeartbeat("backup")
		w.expectHTML(w.get("member", "/heartbeats/"+h.ID+"/edit"), 200, `value="1h"`, `value="10m"`, `value="backup"`)
		a := w.post("member", "/heartbeats/"+h.ID, url.Values{
			"name": {"nightly"}, "interval": {"2d"}, "grace": {"1h"}, "max_run_time": {"30m"}, "methods": {"post"}, "manual_resume": {"on"},
			"channels": {"some"}, "channel": {c.ID}, "tags": {"x"}, "description": {"wiki\r\nAda"},
		})
		if a.code != http.StatusSeeOther {
			w.Fatal(a.code, a.body)
		}
		got := w.heartbeatByName("nightly")
		want := monitor.Rule{Interval: 48 * time.Hour, Grace: time.Hour, MaxRunTime: 30 * time.Minute, Methods: monitor.PostOnly, ManualResume: true, Early: monitor.DefaultEarly, AlertAfter: 1}
		if !got.Rule.Equal(want) || fmt.Sprint(got.Channels) != "["+c.ID+"]" || got.AllChannels || got.Description != "wiki\nAda" {
			w.Errorf("%+v", got)
		}
		w.expectHTML(w.get("member", "/heartbeats/"+h.ID+"/edit"), 200, `value="48h"`, `value="30m"`, `value="post" checked`)
	})
}

func TestListHeartbeats_SortsByAttentionAndPaginates(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, name := range []string{"up", "late", "down", "fresh", "paused"} {
			h := w.createHeartbeat(name)
			switch name {
			case "up":
				w.ping(h, time.Minute, monitor.Ping{HasRunTime: true, RunTime: time.Minute})
			case "late":
				w.ping(h, 65*time.Minute, monitor.Ping{})
			case "down":
				w.ping(h, 3*time.Hour, monitor.Ping{})
			case "paused":
				if _, err := w.service.PauseHeartbeat(w.Context(), w.actor("member"), h.ID); err != nil {
					w.Fatal(err)
				}
			}
		}
		w.evaluate()
		a := w.get("viewer", "/heartbeats")
		if got := rowNames(a); got != "down late fresh paused up" {
			w.Errorf("wrong order: %s", got)
		}
		w.expectHTML(a, 200, "Paused", "by member", "Down for", "Late by", "Waiting for the first ping", "1–5 of 5", "(1 down)")
		for query, want := range map[string]string{
			"?status=late": "late", "?q=PAU": "paused", "?sort=name": "down fresh late paused up", "?sort=last": "up late down fresh paused",
			"?sort=due": "down late up fresh paused", "?sort=slowest": "up late down fresh paused", "?q=%25": "", "?running=1": "", "?tag=x": "",
			"?cursor=stale&sort=name": "down fresh late paused up", "?status=%00": "", "?q=%00": "",
		} {
			got := w.get("viewer", "/heartbeats"+query)
			if got.code != 200 || len(want) != len(rowNames(got)) {
				w.Errorf("%s: %d, %s; want %s", query, got.code, rowNames(got), want)
			}
			if query != "?sort=last" && query != "?sort=slowest" && rowNames(got) != want {
				w.Errorf("%s: %s; want %s", query, rowNames(got), want)
			}
		}
		for i := range 51 {
			w.createHeartbeat(fmt.Sprintf("job%02d", i))
		}
		next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
		prev := regexp.MustCompile(`href="([^"]+)" rel="prev"`)
		for _, sort := range []string{"name", "", "due"} {
			first := w.get("viewer", "/heartbeats?sort="+sort)
			w.expectHTML(first, 200, "1–25 of 56")
			second := w.get("viewer", w.linkIn(first, next))
			w.expectHTML(second, 200, "26–50 of 56")
			third := w.get("viewer", w.linkIn(second, next))
			w.expectHTML(third, 200, "51–56 of 56")
			seen := map[string]bool{}
			for _, name := range strings.Fields(rowNames(first) + " " + rowNames(second) + " " + rowNames(third)) {
				seen[name] = true
			}
			if len(seen) != 56 || next.MatchString(third.body) {
				w.Errorf("sort %q: %d of 56 heartbeats were on the pages", sort, len(seen))
			}
			back := w.get("viewer", w.linkIn(third, prev))
			w.expectHTML(back, 200, "26–50 of 56")
			if rowNames(back) != rowNames(second) {
				w.Errorf("sort %q: back on the second page: %s; want %s", sort, rowNames(back), rowNames(second))
			}
			begin := w.get("viewer", w.linkIn(back, prev))
			w.expectHTML(begin, 200, "1–25 of 56")
			if rowNames(begin) != rowNames(first) || prev.MatchString(begin.body) {
				w.Errorf("sort %q: back at the beginning: %s", sort, rowNames(begin))
			}
		}
	})
}

// linkIn returns the address of a link in a page.
func (w *fixture) linkIn(a response, to *regexp.Regexp) string {
	w.Helper()
	m := to.FindStringSubmatch(a.body)
	if m == nil {
		w.Fatalf("the page has no such link: %s", to)
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

func TestListHeartbeats_AViewerSeesNoPingURL(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, time.Minute, monitor.Ping{Body: []byte("x")})
		for _, path := range []string{"/heartbeats", "/heartbeats/" + h.Ref, "/heartbeats/" + h.Ref + "?kind=success"} {
			a := w.get("viewer", path)
			w.expectHTML(a, 200, "backup", h.Ref)
			w.expectNone(a, h.ID, "/api/v1/hb/", "/edit")
		}
		w.expectHTML(w.get("viewer", "/heartbeats?q="+h.ID[:8]), 200, "No matching heartbeats")
		w.expectHTML(w.get("member", "/heartbeats?q="+strings.ToUpper(h.ID[:8])), 200, ">backup<")
		w.expectHTML(w.get("viewer", "/heartbeats?q="+h.Ref[:8]), 200, ">backup<")
	})
}

func TestShowHeartbeat_OffersBodiesOnlyAsDownloads(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, 3*time.Minute, monitor.Ping{Kind: monitor.PingStart})
		w.ping(h, 2*time.Minute, monitor.Ping{Kind: monitor.PingFail, ExitCode: 3, Body: []byte(hostileName + "\x1b[31m" + strings.Repeat("y", 5000))})
		a := w.get("member", "/heartbeats/"+h.ID)
		w.expectHTML(a, 200, `<span class="vh">exit code </span> 3`, "&lt;script&gt;", "Show full body", "Reported failure", "Incident #1")
		a = w.get("member", "/heartbeats/"+h.ID+"?kind=start")
		w.expectNone(a, `<span class="vh">exit code </span>`)
		body := w.get("viewer", "/heartbeats/"+h.Ref+"/pings/2/body")
		if body.code != 200 || !strings.HasPrefix(body.body, hostileName) || body.header.Get("Content-Type") != "text/plain; charset=utf-8" ||
			!strings.HasPrefix(body.header.Get("Content-Disposition"), "attachment") {
			w.Errorf("%d %v", body.code, body.header)
		}
		for _, n := range []string{"9", "x", "-1"} {
			w.expectHTML(w.get("member", "/heartbeats/"+h.ID+"/pings/"+n+"/body"), 404)
		}
		for range 30 {
			w.ping(h, time.Minute, monitor.Ping{Kind: monitor.PingLog})
		}
		older := w.linkIn(w.get("member", "/heartbeats/"+h.ID), regexp.MustCompile(`href="([^"]+)">Older events`))
		w.expectHTML(w.get("member", strings.TrimSuffix(older, "#log")), 200, `<span class="vh">exit code </span> 3`)
	})
}

func TestHeartbeatActions_PauseDeleteAndUndo(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		w.ping(h, time.Minute, monitor.Ping{})
		path := "/heartbeats/" + h.ID
		if a := w.post("member", path+"/pause", nil); a.location() != path || w.heartbeatByName("backup").Status != monitor.Paused {
			w.Error("not paused", a.code, a.location())
		}
		w.expectHTML(w.get("member", path), 200, "Paused backup", path+"/resume")
		if a := w.post("member", path+"/resume", nil); a.location() != path || w.heartbeatByName("backup").Status != monitor.Up {
			w.Error("not resumed", a.code, a.location())
		}
		w.expectHTML(w.get("member", path+"/delete"), 200, "Type the name to confirm")
		w.expectHTML(w.post("member", path+"/delete", url.Values{"confirm": {"back up"}}), 422, "The name does not match")
		if a := w.post("member", path+"/delete", url.Values{"confirm": {" backup "}}); a.location() != "/heartbeats" {
			w.Fatal(a.code, a.location())
		}
		w.expectHTML(w.get("member", "/heartbeats"), 200, "Deleted backup", `action="/heartbeats/`+h.Ref+`/restore"`)
		w.expectHTML(w.get("member", path), 404)
		if a := w.post("member", "/heartbeats/"+h.Ref+"/restore", nil); a.location() != path {
			w.Fatal("not restored", a.code, a.location(), a.body)
		}
		got := w.heartbeatByName("backup")
		if got.ID != h.ID || got.Status != monitor.Up || time.Since(got.CountedFrom) > time.Minute {
			w.Errorf("restored as %+v", got)
		}
		w.expectHTML(w.post("member", "/heartbeats/"+h.Ref+"/restore", nil), 404)
	})
}

func TestChangeHeartbeats_ChangesSeveralAtOnce(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		a, b := w.createHeartbeat("one"), w.createHeartbeat("two")
		do := func(what string, more url.Values) response {
			form := url.Values{"do": {what}, "id": {a.ID, b.ID, "00000000-0000-4000-8000-000000000000"}}
			for name, values := range more {
				form[name] = values
			}
			return w.post("member", "/heartbeats/bulk", form)
		}
		both := func(is func(monitor.Heartbeat) bool) bool {
			return is(w.heartbeatByName("one")) && is(w.heartbeatByName("two"))
		}
		if do("pause", nil); !both(func(h monitor.Heartbeat) bool { return h.Status == monitor.Paused }) {
			w.Error("not paused")
		}
		if do("resume", nil); !both(func(h monitor.Heartbeat) bool { return h.Status == monitor.New }) {
			w.Error("not resumed")
		}
		if do("tag", url.Values{"tag": {" red "}}); !both(func(h monitor.Heartbeat) bool { return fmt.Sprint(h.Tags) == "[red]" }) {
			w.Error("not tagged")
		}
		if do("channels", url.Values{"channel": {c.ID}}); !both(func(h monitor.Heartbeat) bool { return fmt.Sprint(h.Channels) == "["+c.ID+"]" }) {
			w.Error("not routed")
		}
		w.expectHTML(do("tag", nil), 422, "enter a tag")
		w.expectHTML(do("channels", nil), 422, "choose at least one")
		w.expectHTML(do("explode", nil), 422)
		w.expectHTML(do("delete", nil), 200, "Delete 2 heartbeats?", "one", "two", `value="`+a.ID+`"`)
		w.expectHTML(do("delete", url.Values{"confirm": {"yes"}}), 422, "Type the word “delete”.")
		both(func(monitor.Heartbeat) bool { return true })
		if edit := w.post("member", "/heartbeats/bulk", url.Values{"do": {"edit"}, "id": {a.ID}}); edit.location() != "/heartbeats/"+a.ID+"/edit" {
			w.Error(edit.code, edit.location())
		}
		if none := w.post("member", "/heartbeats/bulk", url.Values{"do": {"pause"}, "id": {""}}); none.location() != "/heartbeats" {
			w.Error(none.code, none.location())
		}
		w.post("member", "/heartbeats/"+b.ID+"/pause", nil)
		w.get("member", "/heartbeats") // takes the sentence about it
		do("delete", url.Values{"confirm": {"delete"}})
		page := w.get("member", "/heartbeats")
		w.expectHTML(page, 200, "Five steps", "Deleted 2 heartbeats")
		undo := w.hiddenFields(page, "/heartbeats/restore")
		if a := w.post("viewer", "/heartbeats/restore", w.withOrigin("viewer", url.Values{"id": undo["id"]})); a.code != 403 {
			w.Errorf("a viewer restored: %d", a.code)
		}
		if a := w.post("member", "/heartbeats/restore", undo); a.location() != "/heartbeats" {
			w.Fatal("not restored", a.code, a.body)
		}
		w.expectHTML(w.get("member", "/heartbeats"), 200, "Restored 2 heartbeats")
		if one, two := w.heartbeatByName("one"), w.heartbeatByName("two"); one.ID != a.ID || one.Status == monitor.Paused || two.ID != b.ID || two.Status != monitor.Paused {
			w.Errorf("restored as %+v and %+v", one, two)
		}
		w.expectHTML(w.post("member", "/heartbeats/restore", undo), 404, "already restored")
	})
}
