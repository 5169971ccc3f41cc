package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/web/view"
)

// opened is the form of a page as a browser would send it: its hidden fields, and
// what it shows.
func (w *world) opened(as, page, action string, shown url.Values) url.Values {
	w.Helper()
	return with(w.hidden(w.get(as, page), action), shown)
}

// usual is what the form of the heartbeat "backup" shows.
func usual() url.Values {
	return url.Values{
		"name": {"backup"}, "schedule": {"interval"}, "interval": {"1h"}, "grace": {"10m"}, "channels": {"all"},
		"cron_timezone": {"UTC"}, "oncalendar_timezone": {"UTC"},
	}
}

func TestChangeHeartbeat_AStaleFormShowsWhatDiffersAndSavesBoth(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		path := "/heartbeats/" + h.ID
		mine := w.opened("member", path+"/edit", path, usual())
		theirs := w.opened("admin", path+"/edit", path, usual())
		w.leads(w.post("admin", path, with(theirs, url.Values{"description": {"Runbook " + hostile}, "tags": {"db"}})), path)

		a := w.post("member", path, with(mine, url.Values{"grace": {"20m"}, "tags": {"disk"}}))
		w.shows(a, 409, "“backup” has changed since you opened it", "<bdi>admin</bdi>", "Only they changed it: their value is kept.",
			"Only you changed it: your value is kept.", `name="take.tags"`, "disk", "db", "Runbook")
		w.lacks(a, `name="take.grace"`, `name="take.description"`, "Expected interval")
		if got := w.standing("backup"); got.Rule.Grace.String() != "10m0s" || !strings.Contains(got.Description, "Runbook") {
			w.Errorf("it is %s, %q already", got.Rule.Grace, got.Description)
		}
		merged := w.hidden(a, path)
		w.leads(w.post("member", path, with(merged, url.Values{"take.tags": {"theirs"}})), path)
		got := w.standing("backup")
		if got.Rule.Grace.String() != "20m0s" || !strings.Contains(got.Description, "Runbook") || !slices.Equal(got.Tags, []string{"db"}) {
			w.Errorf("saved %s, %q, %q", got.Rule.Grace, got.Description, got.Tags)
		}
		// The same page again is stale: nothing is saved twice.
		w.shows(w.post("member", path, with(merged, url.Values{"take.tags": {"yours"}})), 409, "has changed since you opened it")
	})
}

func TestChangeHeartbeat_AFormWithoutAVersionAsks(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		path := "/heartbeats/" + h.ID
		a := w.post("member", path, with(usual(), url.Values{"grace": {"20m"}, view.VersionField: {""}}))
		w.shows(a, 409, `name="take.grace"`)
		w.lacks(a, `name="take.name"`)
		w.leads(w.post("member", path, with(w.hidden(a, path), url.Values{"take.grace": {"yours"}})), path)
		if got := w.standing("backup").Rule.Grace.String(); got != "20m0s" {
			w.Error(got)
		}
	})
}

func TestChangeHeartbeat_WhatTheFormDoesNotShowIsNoConflict(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		path := "/heartbeats/" + h.ID
		mine := w.opened("member", path+"/edit", path, usual())
		if _, err := w.desk.ChangeHeartbeat(w.Context(), w.actor("admin"), h.ID, manage.HeartbeatEdit{Slug: new("other")}); err != nil {
			w.Fatal(err)
		}
		w.hear(h, 0, monitor.Ping{}) // a ping changes no setting
		w.leads(w.post("member", path, with(mine, url.Values{"grace": {"20m"}})), path)
		if got := w.standing("backup"); got.Slug != "other" || got.Rule.Grace.String() != "20m0s" {
			w.Errorf("saved %q, %s", got.Slug, got.Rule.Grace)
		}
	})
}

func TestChangeHeartbeat_OfManySavesAtOnceNoneIsLostInSilence(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		path := "/heartbeats/" + h.ID
		form := w.opened("member", path+"/edit", path, usual())
		const savers = 6
		var answers [savers]int
		var all sync.WaitGroup
		for n := range savers {
			all.Go(func() {
				answers[n] = w.post("member", path, with(form, url.Values{"description": {fmt.Sprint("by ", n)}})).code
			})
		}
		all.Wait()
		won := ""
		for n, code := range answers {
			switch {
			case code == http.StatusSeeOther && won == "":
				won = fmt.Sprint("by ", n)
			case code != http.StatusConflict:
				w.Errorf("the answers are %v; want one 303, the rest 409", answers)
			}
		}
		if got := w.standing("backup").Description; got != won || won == "" {
			w.Errorf("it says %q; want %q", got, won)
		}
	})
}

func TestChangeChannel_AStaleFormShowsWhatDiffersAndNoSecret(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		path := "/channels/" + c.ID
		shown := url.Values{"kind": {"webhook"}, "name": {"ops"}, "settings.url": {"https://example.com/secret-path"}, "settings.headers": {"X-Key: " + notify.Masked}, "notify_on_recovery": {"on"}}
		mine, theirs := w.opened("member", path, path, shown), w.opened("admin", path, path, shown)
		w.leads(w.post("admin", path, with(theirs, url.Values{"name": {"ops at night"}, "settings.secret": {"whsec_dGhlaXJzdGhlaXJzdGhlaXJzdGhlaXJz"}})), "/channels")
		a := w.post("member", path, with(mine, url.Values{"notify_on_late": {"on"}, "settings.secret": {"whsec_bWluZW1pbmVtaW5lbWluZW1pbmVtaW5l"}}))
		w.shows(a, 409, "ops at night", "<bdi>admin</bdi>", "Typed, not shown", `name="take.settings.secret"`, "Only you changed it")
		w.lacks(a, "whsec_dGhl", "whsec_bWlu")
		w.leads(w.post("member", path, with(w.hidden(a, path), url.Values{"take.settings.secret": {"theirs"}})), "/channels")
		if got := w.kept(c.ID); got.Name != "ops at night" || !got.TellLate || got.Settings["secret"] != "whsec_dGhlaXJzdGhlaXJzdGhlaXJzdGhlaXJz" {
			w.Errorf("saved %+v", got)
		}
	})
}

func TestSaveSettings_AStaleFormAsks(t *testing.T) {
	onEach(t, func(w *world) {
		shown := url.Values{"name": {"main"}, "timezone": {"UTC"}}
		mine, theirs := w.opened("owner", "/settings", "/settings", shown), w.opened("admin", "/settings", "/settings", shown)
		w.leads(w.post("admin", "/settings", with(theirs, url.Values{"timezone": {"Europe/Berlin"}})), "/settings")
		a := w.post("owner", "/settings", with(mine, url.Values{"name": {"Main 2"}}))
		w.shows(a, 409, "Europe/Berlin", "Only they changed it", "Only you changed it")
		w.leads(w.post("owner", "/settings", w.hidden(a, "/settings")), "/settings")
		w.shows(w.get("owner", "/settings"), 200, `value="Main 2"`, `value="Europe/Berlin"`)
	})
}

func TestChangeRole_AStaleFormAsks(t *testing.T) {
	onEach(t, func(w *world) {
		path := "/team/" + w.person("viewer").ID + "/role"
		mine := w.opened("owner", "/team", path, nil)
		w.leads(w.post("admin", path, url.Values{"role": {"member"}}), "/team")
		a := w.post("owner", path, with(mine, url.Values{"role": {"admin"}}))
		w.shows(a, 409, "The role of viewer", `name="take.role"`, "member", "admin")
		w.leads(w.post("owner", path, with(w.hidden(a, path), url.Values{"take.role": {"theirs"}})), "/team")
		w.shows(w.get("owner", "/team"), 200, `<option value="member" selected`)
	})
}

func TestRename_AStaleFormAsks(t *testing.T) {
	onEach(t, func(w *world) {
		mine := w.opened("member", "/account", "/account", nil)
		w.leads(w.post("member", "/account", url.Values{"name": {"Mia"}}), "/account")
		w.shows(w.post("member", "/account", with(mine, url.Values{"name": {"Mo"}})), 409, "Mia", "Mo", `name="take.name"`)
	})
}
