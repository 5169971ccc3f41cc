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
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// undo sends the form of the last bulk action that undoes it.
func (w *fixture) undo(as string, page response) response {
	w.Helper()
	return w.post(as, "/heartbeats/undo", w.hiddenFields(page, "/heartbeats/undo"))
}

func TestChangeHeartbeats_ReturnsToTheAddressOfTheList(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("queue")
		for back, want := range map[string]string{
			"/heartbeats?q=queue&tag=a&tag=b": "/heartbeats?q=queue&tag=a&tag=b",
			"/heartbeats":                     "/heartbeats",
			"":                                "/heartbeats",
			"https://elsewhere.example/heartbeats?q=": "/heartbeats",
			"//elsewhere.example/heartbeats":          "/heartbeats",
			"/account":                                "/heartbeats",
			"/heartbeats?q=x&other=1":                 "/heartbeats?q=x",
		} {
			for _, do := range []string{"pause", "resume"} {
				a := w.post("member", "/heartbeats/bulk", url.Values{"do": {do}, "id": {h.ID}, "back": {back}})
				if a.location() != want {
					w.Errorf("%s from %q leads to %q; want %q", do, back, a.location(), want)
				}
			}
		}
		w.expectHTML(w.get("member", "/heartbeats?q=queue&sort=name"), 200, `name="back" value="/heartbeats?q=queue&amp;sort=name"`)
	})
}

func TestUndoHeartbeats_RestoresEachPreviousValue(t *testing.T) {
	onEach(t, func(w *fixture) {
		c, d := w.createChannel("ops"), w.createChannel("phone")
		a, b := w.createHeartbeat("one"), w.createHeartbeat("two")
		change := func(h monitor.Heartbeat, e manage.HeartbeatEdit) {
			if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, e); err != nil {
				w.Fatal(err)
			}
		}
		change(b, manage.HeartbeatEdit{Grace: new("45m"), Tags: &[]string{"blue"}, Channels: &[]string{d.ID}})
		state := func() string {
			text := ""
			for _, name := range []string{"one", "two"} {
				h := w.heartbeatByName(name)
				text += fmt.Sprint(h.Rule.Grace, h.Severity, h.Tags, h.AllChannels, h.Channels, h.Status == monitor.Paused, "; ")
			}
			return text
		}
		for _, form := range []url.Values{
			{"do": {"pause"}},
			{"do": {"grace"}, "grace": {"20m"}},
			{"do": {""}, "grace": {"20m"}}, // Enter in the field
			{"do": {"severity"}, "severity": {"info"}},
			{"do": {"tag"}, "tag": {"red"}},
			{"do": {"tag"}, "tag": {" not  red "}}, // stored with one blank
			{"do": {"untag"}, "tag": {"blue"}},
			{"do": {"channels"}, "channel": {c.ID}},
			{"do": {"all-channels"}},
		} {
			before := state()
			form["id"], form["back"] = []string{a.ID, b.ID}, []string{"/heartbeats?q=o"}
			w.post("member", "/heartbeats/bulk", form)
			if state() == before {
				w.Errorf("%v changed nothing", form)
			}
			if r := w.undo("member", w.get("member", "/heartbeats?q=o")); r.location() != "/heartbeats?q=o" {
				w.Errorf("undo of %v: %d %s", form, r.code, r.location())
			}
			if got := state(); got != before {
				w.Errorf("after the undo of %v:\n%s\nwant:\n%s", form, got, before)
			}
		}
	})
}

func TestUndoHeartbeats_KeepsLaterChanges(t *testing.T) {
	onEach(t, func(w *fixture) {
		a, b := w.createHeartbeat("one"), w.createHeartbeat("two")
		w.post("member", "/heartbeats/bulk", url.Values{"do": {"grace"}, "grace": {"20m"}, "id": {a.ID, b.ID}})
		page := w.get("member", "/heartbeats")
		if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), b.ID, manage.HeartbeatEdit{Grace: new("30m")}); err != nil {
			w.Fatal(err)
		}
		w.undo("member", page)
		w.expectHTML(w.get("member", "/heartbeats"), 200, "Undone for 1 heartbeat; 1 changed since")
		if one, two := w.heartbeatByName("one").Rule.Grace, w.heartbeatByName("two").Rule.Grace; one != 10*time.Minute || two != 30*time.Minute {
			w.Errorf("grace periods %s and %s; want 10m and 30m", one, two)
		}
		w.expectHTML(w.post("member", "/heartbeats/undo", url.Values{"setting": {"grace"}, "id": {"x"}}), 422, "The form to undo the change is incomplete")
		w.expectHTML(w.post("member", "/heartbeats/bulk", url.Values{"do": {"severity"}, "severity": {"loud"}, "id": {a.ID}}), 422, "critical, warning or info")
	})
}

func TestUndoHeartbeats_IsNotLimitedByTheLengthOfAnAddress(t *testing.T) {
	onEach(t, func(w *fixture) {
		var channels, ids []string
		for _, name := range []string{"ops", "phone", "chat"} {
			channels = append(channels, w.createChannel(name).ID)
		}
		for n := range 100 {
			h := w.createHeartbeat(fmt.Sprintf("job %03d", n))
			if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, manage.HeartbeatEdit{Channels: &channels}); err != nil {
				w.Fatal(err)
			}
			ids = append(ids, h.Ref)
		}
		w.post("member", "/heartbeats/bulk", url.Values{"do": {"all-channels"}, "id": ids})
		page := w.get("member", "/heartbeats")
		for _, m := range regexp.MustCompile(`action="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
			if len(m[1]) > 1000 {
				w.Fatalf("an address of %d characters: %.80s", len(m[1]), m[1])
			}
		}
		w.undo("member", page)
		w.expectHTML(w.get("member", "/heartbeats"), 200, "Undone for 100 heartbeats")
		if got := w.heartbeatByName("job 099"); len(got.Channels) != 3 {
			w.Errorf("channels after the undo: %v", got.Channels)
		}
	})
}

func TestUndoHeartbeats_AnInvalidValueDoesNotStopTheOthers(t *testing.T) {
	onEach(t, func(w *fixture) {
		c, gone := w.createChannel("ops"), w.createChannel("phone")
		a, b := w.createHeartbeat("one"), w.createHeartbeat("two")
		for h, id := range map[string]string{a.ID: gone.ID, b.ID: c.ID} {
			if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h, manage.HeartbeatEdit{Channels: &[]string{id}}); err != nil {
				w.Fatal(err)
			}
		}
		w.post("member", "/heartbeats/bulk", url.Values{"do": {"all-channels"}, "id": {a.ID, b.ID}})
		page := w.get("member", "/heartbeats")
		if err := w.service.DeleteChannel(w.Context(), w.actor("member"), gone.ID); err != nil {
			w.Fatal(err)
		}
		w.undo("member", page)
		w.expectHTML(w.get("member", "/heartbeats"), 200, "Undone for 1 heartbeat; not for 1. “one”: There is no channel")
		if got := w.heartbeatByName("two"); fmt.Sprint(got.Channels) != "["+c.ID+"]" {
			w.Errorf("channels after the undo: %v", got.Channels)
		}
	})
}

func TestChangeHeartbeats_SaysThatTheyWereDeleted(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("one")
		if err := w.service.DeleteHeartbeat(w.Context(), w.actor("member"), h.ID); err != nil {
			w.Fatal(err)
		}
		w.post("member", "/heartbeats/bulk", url.Values{"do": {"pause"}, "id": {h.Ref}})
		w.expectHTML(w.get("member", "/heartbeats"), 200, "No heartbeat changed: they were deleted")
	})
}

func TestChangeHeartbeats_GracePeriodNeedsAUnitAndATagHasNoComma(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("one")
		for _, do := range []string{"grace", ""} {
			w.expectHTML(w.post("member", "/heartbeats/bulk", url.Values{"do": {do}, "grace": {"10"}, "id": {h.ID}}), 422,
				"10 has no unit. Go back and write 10h, 10m (minutes), 10s or 10d.")
		}
		w.expectHTML(w.post("member", "/heartbeats/bulk", url.Values{"do": {"tag"}, "tag": {"a,b"}, "id": {h.ID}}), 422, "A tag contains a comma")
		if got := w.heartbeatByName("one"); got.Rule.Grace != h.Rule.Grace || len(got.Tags) != 0 {
			w.Errorf("changed to %s, %v", got.Rule.Grace, got.Tags)
		}
	})
}

func TestListHeartbeats_FiltersByAtMost20Tags(t *testing.T) {
	onEach(t, func(w *fixture) {
		w.createHeartbeat("one")
		query := url.Values{}
		for n := range 500 {
			query.Add("tag", fmt.Sprint(n))
		}
		if page := w.get("member", "/heartbeats?"+query.Encode()); page.code != 200 || len(page.body) > 200_000 {
			w.Errorf("%d, %d bytes", page.code, len(page.body))
		}
	})
}

func TestChangeHeartbeats_APauseThatResolvesIncidentsAsksFirst(t *testing.T) {
	onEach(t, func(w *fixture) {
		a, b := w.createHeartbeat("broken job"), w.createHeartbeat("good job")
		w.ping(a, 3*time.Hour, monitor.Ping{})
		w.ping(b, time.Minute, monitor.Ping{})
		w.evaluate()
		form := url.Values{"do": {"pause"}, "id": {a.ID, b.ID}, "back": {"/heartbeats?q=job"}}
		asked := w.post("member", "/heartbeats/bulk", form)
		w.expectHTML(asked, 200, "Pause 2 heartbeats?", "This resolves 1 open incident.", "broken job", `href="/heartbeats?q=job"`)
		w.expectNone(asked, "good job")
		if h := w.heartbeatByName("broken job"); h.Status != monitor.Down {
			w.Errorf("it is %s before the confirmation", h.Status)
		}
		w.expectHTML(w.post("member", "/heartbeats/"+a.ID+"/pause", nil), 200, "Pause “broken job”?", "the incident stays resolved")
		if r := w.post("member", "/heartbeats/bulk", mergeForms(form, url.Values{"confirm": {"pause"}})); r.location() != "/heartbeats?q=job" {
			w.Errorf("after the confirmation: %d %s", r.code, r.location())
		}
		if one, two := w.heartbeatByName("broken job"), w.heartbeatByName("good job"); one.Status != monitor.Paused || two.Status != monitor.Paused {
			w.Errorf("they are %s and %s; want paused", one.Status, two.Status)
		}
	})
}

func TestListHeartbeats_SeveralTagsFilterTogether(t *testing.T) {
	onEach(t, func(w *fixture) {
		for name, tags := range map[string][]string{"one": {"prod"}, "two": {"prod", "db"}, "three": {"db"}} {
			h := w.createHeartbeat(name)
			if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, manage.HeartbeatEdit{Tags: &tags}); err != nil {
				w.Fatal(err)
			}
		}
		a := w.get("member", "/heartbeats?tag=prod&tag=db")
		w.expectHTML(a, 200, "1 matching heartbeat", `href="/heartbeats?tag=db" aria-current="true"`, `href="/heartbeats?tag=prod" aria-current="true"`)
		if got := rowNames(a); got != "two" {
			w.Errorf("rows %q; want two", got)
		}
		if a := w.get("member", "/heartbeats?tag=prod&tag=%00"); a.code != 200 || rowNames(a) != "" {
			w.Errorf("an impossible tag: %d %s", a.code, rowNames(a))
		}
	})
}

func TestShowNewHeartbeat_DuplicateCopiesTheSettings(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("member"), h.ID, manage.HeartbeatEdit{Grace: new("25m"), Tags: &[]string{"db", "nightly"}}); err != nil {
			w.Fatal(err)
		}
		a := w.post("member", "/heartbeats/bulk", url.Values{"do": {"duplicate"}, "id": {h.ID}})
		form := w.get("member", a.location())
		w.expectHTML(form, 200, "New heartbeat", `value="Copy of backup"`, `value="25m"`, `value="db, nightly"`, `action="/heartbeats"`)
		w.expectHTML(w.get("member", "/heartbeats/new?from=nothing"), 404)
		w.expectHTML(w.get("member", "/heartbeats/new"), 200, "autofocus")
	})
}

func TestSite_AnswersIconsAtTheRoot(t *testing.T) {
	onEach(t, func(w *fixture) {
		for _, path := range []string{"/favicon.ico", "/apple-touch-icon.png"} {
			if a := w.get("", path); a.code != 200 || a.header.Get("Cache-Control") != "public, max-age=86400" {
				w.Errorf("GET %s: %d, cached as %q", path, a.code, a.header.Get("Cache-Control"))
			}
		}
	})
}

func TestBulkAction_AnInternalErrorIsLoggedAndNotShown(t *testing.T) {
	onEach(t, func(w *fixture) {
		req := &request{site: w.site, r: httptest.NewRequest(http.MethodPost, "/heartbeats/bulk", nil)}
		internal := errors.New("read /var/lib/overdue: input/output error")
		if text := req.reason(internal); strings.Contains(text, "/var/lib") || !strings.Contains(w.log.String(), "input/output error") {
			t.Errorf("the page shows %q, the log has %q", text, w.log)
		}
		if text := req.reason(monitor.Faultf(monitor.Invalid, "grace", "The grace period is too long.")); text != "The grace period is too long." {
			t.Errorf("the page shows %q", text)
		}
	})
}

func TestMuteHeartbeat_IsShownAndEnds(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		page := "/heartbeats/" + h.ID
		w.expectRedirect(w.post("member", page+"/mute", url.Values{"quiet": {"2h"}}), page)
		w.expectHTML(w.get("viewer", "/heartbeats"), 200, "Muted until")
		w.expectHTML(w.get("member", page), 200, "Muted until", "Unmute")
		w.expectRedirect(w.post("member", page+"/unmute", nil), page)
		w.expectNone(w.get("member", page), "Muted until")
		w.expectHTML(w.post("member", page+"/mute", url.Values{"quiet": {"2h"}, "length": {"soon"}}), 422, "Go back and enter how long")
		for _, choice := range []string{"open", "morning", "2h"} {
			w.post("member", "/heartbeats/bulk", url.Values{"do": {"mute"}, "quiet": {choice}, "id": {h.ID}})
			if got := w.heartbeatByName("backup"); !got.Muted(w.now()) {
				w.Errorf("%s: not muted", choice)
			}
		}
		w.expectRedirect(w.undo("member", w.get("member", "/heartbeats")), "/heartbeats")
		if end := w.heartbeatByName("backup").MutedUntil; end.UTC().Hour() != 8 {
			w.Errorf("after an undo: muted until %s; want the morning again", end)
		}
		w.post("member", "/heartbeats/bulk", url.Values{"do": {"unmute"}, "id": {h.ID}})
		w.expectNone(w.get("member", "/heartbeats"), "Muted until")
	})
}

func TestSnoozeIncidents_AreShownAndEnd(t *testing.T) {
	onEach(t, func(w *fixture) {
		h, i := w.failHeartbeat("backup", time.Minute)
		page := "/incidents/" + i.ID
		w.expectRedirect(w.post("member", page+"/snooze", url.Values{"quiet": {"30m"}}), page)
		w.expectHTML(w.get("member", page), 200, "Snoozed until", "End snooze")
		w.expectHTML(w.get("viewer", "/incidents"), 200, "Snoozed until")
		w.expectRedirect(w.post("member", page+"/unsnooze", nil), page)
		if w.newestIncident(h).Snoozed(w.now()) {
			w.Error("it is still snoozed")
		}
		w.expectRedirect(w.post("member", "/incidents/snooze", url.Values{"quiet": {"morning"}, "id": {i.ID}}), "/incidents")
		if end := w.newestIncident(h).SnoozedUntil; end.UTC().Hour() != 8 || !end.After(w.now()) {
			w.Errorf("snoozed until %s; want the next morning", end)
		}
		w.expectHTML(w.get("member", "/incidents"), 200, "Snoozed 1 incident")
	})
}

func TestMaintenance_IsShownOnThePagesOfTheHeartbeat(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		m, err := w.service.CreateMaintenance(w.Context(), w.actor("member"), manage.MaintenanceEdit{Reason: new("upgrade"), All: new(true), Duration: new("2h")})
		if err != nil {
			w.Fatal(err)
		}
		for _, path := range []string{"/heartbeats", "/heartbeats/" + h.ID} {
			w.expectHTML(w.get("member", path), 200, "In maintenance until")
		}
		if _, err := w.service.EndMaintenance(w.Context(), w.actor("member"), m.ID); err != nil {
			w.Fatal(err)
		}
		for _, path := range []string{"/heartbeats", "/heartbeats/" + h.ID} {
			w.expectNone(w.get("member", path), "In maintenance until")
		}
	})
}
