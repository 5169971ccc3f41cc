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

// hostile is a name that wants out of every context it is put in.
const hostile = `"><script>alert(1)</script>'&{{.}}`

// heartbeat makes one as the member would.
func (w *world) heartbeat(name string) monitor.Heartbeat {
	w.Helper()
	h, err := w.desk.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("1h"), Grace: new("10m")})
	if err != nil {
		w.Fatal(err)
	}
	return h
}

// hear takes a ping of a heartbeat, so long ago.
func (w *world) hear(h monitor.Heartbeat, ago time.Duration, p monitor.Ping) {
	w.Helper()
	p.At, p.Method = w.now().Add(-ago), "POST"
	if p.Kind == "" {
		p.Kind = monitor.Success
	}
	if p.ExitCode == 0 {
		p.ExitCode = monitor.NoExitCode
	}
	w.update(func(tx *store.Tx) error {
		found, err := tx.Pinged([]string{h.ID})
		if err != nil {
			return err
		}
		heard, change := found[h.ID].Hear(p, p.At)
		_, err = tx.Save(p.At, []store.Judgement{{Heartbeat: heard, Change: change}})
		return err
	})
}

// lapse notes all silence up to now.
func (w *world) lapse() {
	w.Helper()
	now := w.now()
	w.update(func(tx *store.Tx) error {
		due, err := tx.Lapsing(now, 1000)
		if err != nil {
			return err
		}
		var judged []store.Judgement
		for _, h := range due {
			after, change := h.Lapse(now)
			judged = append(judged, store.Judgement{Heartbeat: after, Change: change})
		}
		_, err = tx.Save(now, judged)
		return err
	})
}

// standing is a heartbeat as it is now, by its name.
func (w *world) standing(name string) (h monitor.Heartbeat) {
	w.Helper()
	l, err := w.desk.Heartbeats(w.Context(), w.actor("member"), manage.HeartbeatQuery{Text: name})
	if err != nil || len(l.Items) == 0 {
		w.Fatalf("no heartbeat %q: %v", name, err)
	}
	return l.Items[0]
}

// shows fails the test unless an answer has the code and every text.
func (w *world) shows(a answer, code int, texts ...string) {
	w.Helper()
	if a.code != code {
		w.Fatalf("answered %d; want %d: %s", a.code, code, a.body)
	}
	if strings.Contains(a.body, "<script>alert") {
		w.Error("a name broke out of its place")
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			w.Errorf("the page does not have %q:\n%s", text, a.body)
		}
	}
}

// lacks fails the test if an answer has one of the texts.
func (w *world) lacks(a answer, texts ...string) {
	w.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			w.Errorf("the page has %q", text)
		}
	}
}

// order lists the names of the rows of a page.
func order(a answer) string {
	var names []string
	for _, m := range regexp.MustCompile(`hb-name"><a[^>]*>([^<]+)<`).FindAllStringSubmatch(a.body, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, " ")
}

func TestTheWayFromNothingToThePingURL(t *testing.T) {
	onEach(t, func(w *world) {
		w.shows(w.get("member", "/heartbeats"), 200, "Five steps", `name="interval"`, `value="24h"`)
		w.shows(w.get("member", "/heartbeats/new"), 200, "Expected interval", "Grace period", "every 24")
		saved := w.post("member", "/heartbeats", url.Values{
			"name": {hostile}, "interval": {"1h"}, "grace": {"10m"}, "schedule": {"interval"}, "channels": {"all"}, "tags": {"a, b"},
		})
		if saved.code != http.StatusSeeOther || !strings.HasPrefix(saved.to(), "/heartbeats/") {
			w.Fatalf("%d %s %s", saved.code, saved.to(), saved.body)
		}
		h := w.standing("script")
		if h.Name != hostile || h.Rule.Interval != time.Hour || h.Rule.Grace != 10*time.Minute || fmt.Sprint(h.Tags) != "[a b]" || !h.AllChannels {
			w.Errorf("saved %+v", h)
		}
		page := w.get("member", saved.to())
		w.shows(page, 200, base+"/api/v1/hb/"+h.ID, "Waiting for the first ping", "Saved", `data-live="/live/heartbeats/`+h.Ref)
		w.hear(h, time.Minute, monitor.Ping{})
		w.shows(w.get("member", "/heartbeats/"+h.ID), 200, "Next ping expected in", "Last 30 days")
	})
}

func TestAFormThatIsWrongComesBackWithEveryFault(t *testing.T) {
	onEach(t, func(w *world) {
		form := url.Values{
			"name": {" "}, "interval": {"soon"}, "grace": {"-1s"}, "max_run_time": {"x"}, "channels": {"some"}, "description": {hostile},
		}
		a := w.post("member", "/heartbeats", form)
		w.shows(a, 422, "Write a name of 1 to 100 characters.", `aria-invalid="true"`, "Choose at least one channel", `value="soon"`, "cannot be read yet")
		if n := strings.Count(a.body, `aria-invalid="true"`); n != 4 {
			w.Errorf("%d controls are marked; want name, interval, grace and max run time", n)
		}
		h := w.heartbeat("backup")
		a = w.post("member", "/heartbeats/"+h.ID, form)
		w.shows(a, 422, "Edit", "backup", `value="soon"`)
		if got := w.standing("backup"); got.Name != "backup" {
			w.Error("a form that was refused changed something")
		}
	})
}

func TestEditingShowsAndSavesEverySetting(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		h := w.heartbeat("backup")
		w.shows(w.get("member", "/heartbeats/"+h.ID+"/edit"), 200, `value="1h"`, `value="10m"`, `value="backup"`)
		a := w.post("member", "/heartbeats/"+h.ID, url.Values{
			"name": {"nightly"}, "interval": {"2d"}, "grace": {"1h"}, "max_run_time": {"30m"}, "methods": {"post"}, "manual_resume": {"on"},
			"channels": {"some"}, "channel": {c.ID}, "tags": {"x"}, "description": {"wiki\r\nAda"},
		})
		if a.code != http.StatusSeeOther {
			w.Fatal(a.code, a.body)
		}
		got := w.standing("nightly")
		want := monitor.Rule{Interval: 48 * time.Hour, Grace: time.Hour, MaxRunTime: 30 * time.Minute, Methods: monitor.PostOnly, ManualResume: true, Early: monitor.UsualEarly, AlertAfter: 1}
		if !got.Rule.Equal(want) || fmt.Sprint(got.Channels) != "["+c.ID+"]" || got.AllChannels || got.Description != "wiki\nAda" {
			w.Errorf("%+v", got)
		}
		w.shows(w.get("member", "/heartbeats/"+h.ID+"/edit"), 200, `value="48h"`, `value="30m"`, `value="post" checked`)
	})
}

func TestTheListPutsAttentionFirstAndTurnsItsPages(t *testing.T) {
	onEach(t, func(w *world) {
		for _, name := range []string{"up", "late", "down", "fresh", "paused"} {
			h := w.heartbeat(name)
			switch name {
			case "up":
				w.hear(h, time.Minute, monitor.Ping{HasRun: true, RunTime: time.Minute})
			case "late":
				w.hear(h, 65*time.Minute, monitor.Ping{})
			case "down":
				w.hear(h, 3*time.Hour, monitor.Ping{})
			case "paused":
				if _, err := w.desk.PauseHeartbeat(w.Context(), w.actor("member"), h.ID); err != nil {
					w.Fatal(err)
				}
			}
		}
		w.lapse()
		a := w.get("viewer", "/heartbeats")
		if got := order(a); got != "down late fresh paused up" {
			w.Errorf("order %s", got)
		}
		w.shows(a, 200, "Paused", "by member", "Down for", "Late by", "Waiting for the first ping", "1–5 of 5", "(1 down)")
		for query, want := range map[string]string{
			"?status=late": "late", "?q=PAU": "paused", "?sort=name": "down fresh late paused up", "?sort=last": "up late down fresh paused",
			"?sort=due": "down late up fresh paused", "?sort=slowest": "up late down fresh paused", "?q=%25": "", "?running=1": "", "?tag=x": "",
			"?cursor=stale&sort=name": "down fresh late paused up", "?status=%00": "", "?q=%00": "",
		} {
			got := w.get("viewer", "/heartbeats"+query)
			if got.code != 200 || len(want) != len(order(got)) {
				w.Errorf("%s: %d, %s; want %s", query, got.code, order(got), want)
			}
			if query != "?sort=last" && query != "?sort=slowest" && order(got) != want {
				w.Errorf("%s: %s; want %s", query, order(got), want)
			}
		}
		for i := range 51 {
			w.heartbeat(fmt.Sprintf("job%02d", i))
		}
		next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
		prev := regexp.MustCompile(`href="([^"]+)" rel="prev"`)
		for _, sort := range []string{"name", "", "due"} {
			first := w.get("viewer", "/heartbeats?sort="+sort)
			w.shows(first, 200, "1–25 of 56")
			second := w.get("viewer", w.link(first, next))
			w.shows(second, 200, "26–50 of 56")
			third := w.get("viewer", w.link(second, next))
			w.shows(third, 200, "51–56 of 56")
			seen := map[string]bool{}
			for _, name := range strings.Fields(order(first) + " " + order(second) + " " + order(third)) {
				seen[name] = true
			}
			if len(seen) != 56 || next.MatchString(third.body) {
				w.Errorf("sort %q: %d of 56 heartbeats were on the pages", sort, len(seen))
			}
			back := w.get("viewer", w.link(third, prev))
			w.shows(back, 200, "26–50 of 56")
			if order(back) != order(second) {
				w.Errorf("sort %q: back on the second page: %s; want %s", sort, order(back), order(second))
			}
			begin := w.get("viewer", w.link(back, prev))
			w.shows(begin, 200, "1–25 of 56")
			if order(begin) != order(first) || prev.MatchString(begin.body) {
				w.Errorf("sort %q: back at the beginning: %s", sort, order(begin))
			}
		}
	})
}

// link is the address that a page leads to.
func (w *world) link(a answer, to *regexp.Regexp) string {
	w.Helper()
	m := to.FindStringSubmatch(a.body)
	if m == nil {
		w.Fatalf("the page does not lead there: %s", to)
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}

func TestAViewerSeesNothingThatCouldPing(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, time.Minute, monitor.Ping{Body: []byte("x")})
		for _, path := range []string{"/heartbeats", "/heartbeats/" + h.Ref, "/heartbeats/" + h.Ref + "?kind=success"} {
			a := w.get("viewer", path)
			w.shows(a, 200, "backup", h.Ref)
			w.lacks(a, h.ID, "/api/v1/hb/", "/edit")
		}
		w.shows(w.get("viewer", "/heartbeats?q="+h.ID[:8]), 200, "No heartbeat matches")
		w.shows(w.get("member", "/heartbeats?q="+strings.ToUpper(h.ID[:8])), 200, ">backup<")
		w.shows(w.get("viewer", "/heartbeats?q="+h.Ref[:8]), 200, ">backup<")
	})
}

func TestTheLogShowsBodiesAndGivesThemOutOnlyAsAFile(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, 3*time.Minute, monitor.Ping{Kind: monitor.Start})
		w.hear(h, 2*time.Minute, monitor.Ping{Kind: monitor.Fail, ExitCode: 3, Body: []byte(hostile + "\x1b[31m" + strings.Repeat("y", 5000))})
		a := w.get("member", "/heartbeats/"+h.ID)
		w.shows(a, 200, "exit status 3", "&lt;script&gt;", "Whole body", "Reported failure", "Incident #1")
		a = w.get("member", "/heartbeats/"+h.ID+"?kind=start")
		w.lacks(a, `title="exit status 3, "`)
		body := w.get("viewer", "/heartbeats/"+h.Ref+"/pings/2/body")
		if body.code != 200 || !strings.HasPrefix(body.body, hostile) || body.header.Get("Content-Type") != "text/plain; charset=utf-8" ||
			!strings.HasPrefix(body.header.Get("Content-Disposition"), "attachment") {
			w.Errorf("%d %v", body.code, body.header)
		}
		for _, n := range []string{"9", "x", "-1"} {
			w.shows(w.get("member", "/heartbeats/"+h.ID+"/pings/"+n+"/body"), 404)
		}
		for range 30 {
			w.hear(h, time.Minute, monitor.Ping{Kind: monitor.Log})
		}
		older := w.link(w.get("member", "/heartbeats/"+h.ID), regexp.MustCompile(`href="([^"]+)">Older events`))
		w.shows(w.get("member", strings.TrimSuffix(older, "#log")), 200, "exit status 3")
	})
}

func TestPausingDeletingAndTakingBack(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, time.Minute, monitor.Ping{})
		path := "/heartbeats/" + h.ID
		if a := w.post("member", path+"/pause", nil); a.to() != path || w.standing("backup").Status != monitor.Paused {
			w.Error("not paused", a.code, a.to())
		}
		w.shows(w.get("member", path), 200, "Paused backup", path+"/resume")
		if a := w.post("member", path+"/resume", nil); a.to() != path || w.standing("backup").Status != monitor.Up {
			w.Error("not resumed", a.code, a.to())
		}
		w.shows(w.get("member", path+"/delete"), 200, "Type the name to confirm")
		w.shows(w.post("member", path+"/delete", url.Values{"confirm": {"back up"}}), 422, "Type the name as it is written")
		if a := w.post("member", path+"/delete", url.Values{"confirm": {" backup "}}); a.to() != "/heartbeats" {
			w.Fatal(a.code, a.to())
		}
		w.shows(w.get("member", "/heartbeats"), 200, "Deleted backup", `action="/heartbeats/`+h.Ref+`/restore"`)
		w.shows(w.get("member", path), 404)
		if a := w.post("member", "/heartbeats/"+h.Ref+"/restore", nil); a.to() != path {
			w.Fatal("not restored", a.code, a.to(), a.body)
		}
		got := w.standing("backup")
		if got.ID != h.ID || got.Status != monitor.Up || time.Since(got.From) > time.Minute {
			w.Errorf("restored as %+v", got)
		}
		w.shows(w.post("member", "/heartbeats/"+h.Ref+"/restore", nil), 404)
	})
}

func TestManyHeartbeatsAreChangedAtOnce(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		a, b := w.heartbeat("one"), w.heartbeat("two")
		do := func(what string, more url.Values) answer {
			form := url.Values{"do": {what}, "id": {a.ID, b.ID, "00000000-0000-4000-8000-000000000000"}}
			for name, values := range more {
				form[name] = values
			}
			return w.post("member", "/heartbeats/bulk", form)
		}
		both := func(is func(monitor.Heartbeat) bool) bool { return is(w.standing("one")) && is(w.standing("two")) }
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
		w.shows(do("tag", nil), 422, "write the tag")
		w.shows(do("channels", nil), 422, "choose at least one channel")
		w.shows(do("explode", nil), 422)
		w.shows(do("delete", nil), 200, "Delete 2 heartbeats?", "one", "two", `value="`+a.ID+`"`)
		w.shows(do("delete", url.Values{"confirm": {"yes"}}), 422, "Type the word delete.")
		both(func(monitor.Heartbeat) bool { return true })
		if edit := w.post("member", "/heartbeats/bulk", url.Values{"do": {"edit"}, "id": {a.ID}}); edit.to() != "/heartbeats/"+a.ID+"/edit" {
			w.Error(edit.code, edit.to())
		}
		if none := w.post("member", "/heartbeats/bulk", url.Values{"do": {"pause"}, "id": {""}}); none.to() != "/heartbeats" {
			w.Error(none.code, none.to())
		}
		w.post("member", "/heartbeats/"+b.ID+"/pause", nil)
		w.get("member", "/heartbeats") // takes the sentence about it
		do("delete", url.Values{"confirm": {"delete"}})
		page := w.get("member", "/heartbeats")
		w.shows(page, 200, "Five steps", "Deleted 2 heartbeats")
		undo := w.link(page, regexp.MustCompile(`action="(/heartbeats/restore[^"]+)"`))
		if a := w.post("viewer", undo, nil); a.code != 403 {
			w.Errorf("a viewer restored: %d", a.code)
		}
		if a := w.post("member", undo, nil); a.to() != "/heartbeats" {
			w.Fatal("not restored", a.code, a.body)
		}
		w.shows(w.get("member", "/heartbeats"), 200, "Restored 2 heartbeats")
		if one, two := w.standing("one"), w.standing("two"); one.ID != a.ID || one.Status == monitor.Paused || two.ID != b.ID || two.Status != monitor.Paused {
			w.Errorf("restored as %+v and %+v", one, two)
		}
		w.shows(w.post("member", undo, nil), 404, "restored already")
	})
}
