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
	"overdue/internal/notify/setting"
	"overdue/internal/web/view/ui"
)

// openForm returns the form of a page as a browser sends it: its hidden fields and
// its values.
func (w *fixture) openForm(as, page, action string, shown url.Values) url.Values {
	w.Helper()
	return mergeForms(w.hiddenFields(w.get(as, page), action), shown)
}

// defaultHeartbeatForm is the form of the heartbeat "backup".
func defaultHeartbeatForm() url.Values {
	return url.Values{
		"name": {"backup"}, "schedule": {"interval"}, "interval": {"1h"}, "grace": {"10m"}, "channels": {"all"},
		"cron_timezone": {"UTC"}, "oncalendar_timezone": {"UTC"},
	}
}

func TestChangeHeartbeat_AStaleFormMergesBothEdits(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		path := "/heartbeats/" + h.ID
		mine := w.openForm("member", path+"/edit", path, defaultHeartbeatForm())
		theirs := w.openForm("admin", path+"/edit", path, defaultHeartbeatForm())
		w.expectRedirect(w.post("admin", path, mergeForms(theirs, url.Values{"description": {"Runbook " + hostileName}, "tags": {"db"}})), path)

		a := w.post("member", path, mergeForms(mine, url.Values{"grace": {"20m"}, "tags": {"disk"}}))
		w.expectHTML(a, 409, "“backup” has changed since you opened it", "<bdi>admin</bdi>", "Only they changed it: their value is kept.",
			"Only you changed it: your value is kept.", `name="take.tags"`, "disk", "db", "Runbook")
		w.expectNone(a, `name="take.grace"`, `name="take.description"`, "Expected interval")
		if got := w.heartbeatByName("backup"); got.Rule.Grace.String() != "10m0s" || !strings.Contains(got.Description, "Runbook") {
			w.Errorf("it is %s, %q already", got.Rule.Grace, got.Description)
		}
		merged := w.hiddenFields(a, path)
		w.expectRedirect(w.post("member", path, mergeForms(merged, url.Values{"take.tags": {"theirs"}})), path)
		got := w.heartbeatByName("backup")
		if got.Rule.Grace.String() != "20m0s" || !strings.Contains(got.Description, "Runbook") || !slices.Equal(got.Tags, []string{"db"}) {
			w.Errorf("saved %s, %q, %q", got.Rule.Grace, got.Description, got.Tags)
		}
		// The same form again conflicts: nothing is saved twice.
		w.expectHTML(w.post("member", path, mergeForms(merged, url.Values{"take.tags": {"yours"}})), 409, "has changed since you opened it")
	})
}

func TestChangeHeartbeat_AFormWithoutAVersionConflicts(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		path := "/heartbeats/" + h.ID
		a := w.post("member", path, mergeForms(defaultHeartbeatForm(), url.Values{"grace": {"20m"}, ui.VersionField: {""}}))
		w.expectHTML(a, 409, `name="take.grace"`)
		w.expectNone(a, `name="take.name"`)
		w.expectRedirect(w.post("member", path, mergeForms(w.hiddenFields(a, path), url.Values{"take.grace": {"yours"}})), path)
		if got := w.heartbeatByName("backup").Rule.Grace.String(); got != "20m0s" {
			w.Error(got)
		}
	})
}

func TestChangeHeartbeat_AChangeOutsideTheFormIsNoConflict(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		path := "/heartbeats/" + h.ID
		mine := w.openForm("member", path+"/edit", path, defaultHeartbeatForm())
		if _, err := w.service.ChangeHeartbeat(w.Context(), w.actor("admin"), h.ID, manage.HeartbeatEdit{Slug: new("other")}); err != nil {
			w.Fatal(err)
		}
		w.ping(h, 0, monitor.Ping{}) // a ping changes no setting
		w.expectRedirect(w.post("member", path, mergeForms(mine, url.Values{"grace": {"20m"}})), path)
		if got := w.heartbeatByName("backup"); got.Slug != "other" || got.Rule.Grace.String() != "20m0s" {
			w.Errorf("saved %q, %s", got.Slug, got.Rule.Grace)
		}
	})
}

func TestChangeHeartbeat_ConcurrentSavesAreNotLost(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		path := "/heartbeats/" + h.ID
		form := w.openForm("member", path+"/edit", path, defaultHeartbeatForm())
		const savers = 6
		var answers [savers]int
		var all sync.WaitGroup
		for n := range savers {
			all.Go(func() {
				answers[n] = w.post("member", path, mergeForms(form, url.Values{"description": {fmt.Sprint("by ", n)}})).code
			})
		}
		all.Wait()
		won := ""
		for n, code := range answers {
			switch {
			case code == http.StatusSeeOther && won == "":
				won = fmt.Sprint("by ", n)
			case code != http.StatusConflict:
				w.Errorf("the statuses are %v; want one 303, the others 409", answers)
			}
		}
		if got := w.heartbeatByName("backup").Description; got != won || won == "" {
			w.Errorf("the text is %q; want %q", got, won)
		}
	})
}

func TestChangeChannel_AStaleFormShowsNoSecret(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		path := "/channels/" + c.ID
		shown := url.Values{"kind": {"webhook"}, "name": {"ops"}, "settings.url": {"https://example.com/secret-path"}, "settings.headers": {"X-Key: " + setting.Masked}, "notify_on_recovery": {"on"}}
		mine, theirs := w.openForm("member", path, path, shown), w.openForm("admin", path, path, shown)
		w.expectRedirect(w.post("admin", path, mergeForms(theirs, url.Values{"name": {"ops at night"}, "settings.secret": {"whsec_dGhlaXJzdGhlaXJzdGhlaXJzdGhlaXJz"}})), "/channels")
		a := w.post("member", path, mergeForms(mine, url.Values{"notify_on_late": {"on"}, "settings.secret": {"whsec_bWluZW1pbmVtaW5lbWluZW1pbmVtaW5l"}}))
		w.expectHTML(a, 409, "ops at night", "<bdi>admin</bdi>", "Typed, not shown", `name="take.settings.secret"`, "Only you changed it")
		w.expectNone(a, "whsec_dGhl", "whsec_bWlu")
		w.expectRedirect(w.post("member", path, mergeForms(w.hiddenFields(a, path), url.Values{"take.settings.secret": {"theirs"}})), "/channels")
		if got := w.storedChannel(c.ID); got.Name != "ops at night" || !got.NotifyOnLate || got.Settings["secret"] != "whsec_dGhlaXJzdGhlaXJzdGhlaXJzdGhlaXJz" {
			w.Errorf("saved %+v", got)
		}
	})
}

func TestSaveSettings_AStaleFormConflicts(t *testing.T) {
	onEach(t, func(w *fixture) {
		shown := url.Values{"name": {"main"}, "timezone": {"UTC"}}
		mine, theirs := w.openForm("owner", "/settings", "/settings", shown), w.openForm("admin", "/settings", "/settings", shown)
		w.expectRedirect(w.post("admin", "/settings", mergeForms(theirs, url.Values{"timezone": {"Europe/Berlin"}})), "/settings")
		a := w.post("owner", "/settings", mergeForms(mine, url.Values{"name": {"Main 2"}}))
		w.expectHTML(a, 409, "Europe/Berlin", "Only they changed it", "Only you changed it")
		w.expectRedirect(w.post("owner", "/settings", w.hiddenFields(a, "/settings")), "/settings")
		w.expectHTML(w.get("owner", "/settings"), 200, `value="Main 2"`, `value="Europe/Berlin"`)
	})
}

func TestChangeRole_AStaleFormConflicts(t *testing.T) {
	onEach(t, func(w *fixture) {
		path := "/team/" + w.person("viewer").ID + "/role"
		mine := w.openForm("owner", "/team", path, nil)
		w.expectRedirect(w.post("admin", path, url.Values{"role": {"member"}}), "/team")
		a := w.post("owner", path, mergeForms(mine, url.Values{"role": {"admin"}}))
		w.expectHTML(a, 409, "The role of viewer", `name="take.role"`, "member", "admin")
		w.expectRedirect(w.post("owner", path, mergeForms(w.hiddenFields(a, path), url.Values{"take.role": {"theirs"}})), "/team")
		w.expectHTML(w.get("owner", "/team"), 200, `<option value="member" selected`)
	})
}

func TestRenamePerson_AStaleFormConflicts(t *testing.T) {
	onEach(t, func(w *fixture) {
		mine := w.openForm("member", "/account", "/account", nil)
		w.expectRedirect(w.post("member", "/account", url.Values{"name": {"Mia"}}), "/account")
		w.expectHTML(w.post("member", "/account", mergeForms(mine, url.Values{"name": {"Mo"}})), 409, "Mia", "Mo", `name="take.name"`)
	})
}
