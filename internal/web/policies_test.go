package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// policies returns the policies of the project, by slug.
func (w *fixture) policies() map[string]monitor.Policy {
	w.Helper()
	all := map[string]monitor.Policy{}
	w.update(func(tx *store.Tx) error {
		list, err := tx.Policies(w.project.Key)
		for _, p := range list {
			all[p.Slug] = p
		}
		return err
	})
	return all
}

// addPolicy stores a policy.
func (w *fixture) addPolicy(p monitor.Policy) (saved monitor.Policy) {
	w.Helper()
	p.Project, p.Created = w.project.Key, w.now()
	w.update(func(tx *store.Tx) (err error) {
		saved, err = tx.SavePolicy(p)
		return err
	})
	return saved
}

func TestPolicyForm_WorksWithoutScript(t *testing.T) {
	onEach(t, func(w *fixture) {
		ops, phone := w.createChannel("ops <b>"), w.createChannel("phone")
		w.expectHTML(w.get("member", "/policies"), 200, "No default policy", "notify all channels of the project at once: 0 heartbeats, 2 channels", "New policy")
		w.expectHTML(w.get("member", "/policies/new"), 200, "ops &lt;b&gt;", "Add step", `name="steps" value="1"`)
		form := url.Values{"name": {"Nights"}, "steps": {"1"}, "channel.0": {ops.ID}, "repeat": {"30m"}, "do": {"add"}}
		a := w.post("member", "/policies", form)
		w.expectHTML(a, 200, `value="Nights"`, `name="steps" value="2"`, `name="after.1"`, `value="30m"`)
		if n := strings.Count(a.body, `value="`+ops.ID+`" checked`); n != 1 {
			w.Errorf("%d steps have the channel", n)
		}
		form = url.Values{"name": {"Nights"}, "steps": {"3"}, "channel.0": {ops.ID}, "after.1": {"15m"}, "channel.1": {phone.ID}, "after.2": {"1h"}, "repeat": {"30m"}}
		form.Set("do", "remove:2")
		w.expectHTML(w.post("member", "/policies", form), 200, `name="steps" value="2"`, `value="15m"`)
		form.Set("do", "up:1")
		a = w.post("member", "/policies", form)
		if first, second := strings.Index(a.body, `name="channel.0" value="`+phone.ID+`" checked`), strings.Index(a.body, `name="channel.1" value="`+ops.ID+`" checked`); first < 0 || second < 0 {
			w.Errorf("the channels did not move: %d %d", first, second)
		}
		w.expectHTML(a, 200, `value="15m"`, `value="1h"`)
		form.Del("do")
		a = w.post("member", "/policies", form)
		w.expectHTML(a, 422, `value="Nights"`, `value="15m"`, "Step 3 must name at least one channel", `value="`+phone.ID+`" checked`)
		form.Set("channel.2", phone.ID)
		form.Set("after.2", "15")
		w.expectHTML(w.post("member", "/policies", form), 422, `value="15"`, "15 has no unit", `aria-invalid="true"`)
		form.Set("after.2", "10m")
		w.expectHTML(w.post("member", "/policies", form), 422, "Step 3 must be later than step 2")
		form.Set("after.2", "1h")
		if len(w.policies()) != 0 {
			w.Fatal("a rejected form created a policy")
		}
		if a := w.post("member", "/policies", form); a.code != http.StatusSeeOther || a.header.Get("Location") != "/policies/nights" {
			w.Fatal(a.code, a.header)
		}
		got := w.policies()["nights"]
		if fmt.Sprint(got.Steps) != fmt.Sprint([]monitor.PolicyStep{
			{Channels: []string{ops.ID}}, {After: 15 * time.Minute, Channels: []string{phone.ID}}, {After: time.Hour, Channels: []string{phone.ID}, RepeatEvery: 30 * time.Minute},
		}) || got.Default {
			w.Errorf("%+v", got)
		}
		w.expectHTML(w.get("member", "/policies/nights"), 200, `value="Nights"`, `value="15m"`, `value="1h"`, `value="30m"`, "No heartbeat uses it", "phone: notified 15m, 1h, then every 30m")
		w.expectHTML(w.get("member", "/policies"), 200, "After 15m", "Then every 30m")
	})
}

func TestPolicyForm_AConflictKeepsBothEdits(t *testing.T) {
	onEach(t, func(w *fixture) {
		ops, phone := w.createChannel("ops"), w.createChannel("phone")
		p := w.addPolicy(monitor.Policy{Slug: "nights", Name: "Nights", Steps: []monitor.PolicyStep{{Channels: []string{ops.ID}}}})
		form := w.withVersion("member", "/policies/nights", url.Values{"policy": {p.ID}, "name": {"Mine"}, "slug": {"nights"}, "steps": {"1"}, "channel.0": {ops.ID}, "repeat": {""}})
		p.Steps[0].Channels = []string{phone.ID}
		w.addPolicyRevision(p)
		a := w.post("member", "/policies/nights", form)
		w.expectHTML(a, 409, "Channels of step 1", "phone")
		if got := w.policies()["nights"]; got.Name != "Nights" || got.Steps[0].Channels[0] != phone.ID {
			w.Errorf("the conflict changed %+v", got)
		}
	})
}

// addPolicyRevision saves a policy as another person does.
func (w *fixture) addPolicyRevision(p monitor.Policy) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		_, err := tx.SavePolicy(p)
		return err
	})
}

func TestPolicyPreview_ShowsClockTimesAndWhatIsHeld(t *testing.T) {
	onEach(t, func(w *fixture) {
		ops, phone := w.createChannel("ops"), w.createChannel("phone")
		w.addPolicy(monitor.Policy{Slug: "nights", Name: "Nights", Default: true, Steps: []monitor.PolicyStep{
			{Channels: []string{ops.ID}}, {After: 15 * time.Minute, Channels: []string{phone.ID}, RepeatEvery: time.Hour},
		}})
		h := w.createHeartbeat("backup")
		tried := "/policies/nights?try_heartbeat=backup&try_at=2030-01-05T03%3A00"
		w.expectHTML(w.get("viewer", tried), 200, "Sat 5 Jan 2030, 03:00", ">03:15<", ">04:15<", "Step 2 of policy Nights, repeated every", "At once: ")
		w.expectNone(w.get("viewer", tried), "Save", "Danger zone", "Make default", "Due at")
		w.update(func(tx *store.Tx) error {
			h, err := tx.HeartbeatForUpdate(w.project.Key, h.ID)
			if err != nil {
				return err
			}
			h.MutedUntil = time.Date(2030, time.January, 5, 5, 0, 0, 0, time.UTC)
			return tx.SaveMute(h, w.now())
		})
		w.expectHTML(w.get("viewer", tried), 200, ">05:00<", ">05:15<", "Due at 03:15, but alerts of this heartbeat are muted until")
		w.expectHTML(w.get("viewer", "/policies/nights?try_heartbeat=nosuch"), 200, "No heartbeat has the slug")

		form := url.Values{"name": {""}, "steps": {"2"}, "channel.0": {phone.ID}, "after.1": {"2h"}, "channel.1": {ops.ID}, "try_at": {"2030-01-05T03:00"}}
		w.expectHTML(w.post("member", "/policies/preview", form), 200, `id="ruler"`, `id="trial"`, "ops: notified 2h", ">05:00<", "Of any heartbeat that uses this policy")
		form.Set("after.1", "soon")
		w.expectHTML(w.post("member", "/policies/preview", form), 200, "as soon as the steps are valid", `id="after-1-e"`)
	})
}

func TestPolicy_DefaultAndDeletionSayWhatChanges(t *testing.T) {
	onEach(t, func(w *fixture) {
		ops := w.createChannel("ops")
		days := w.addPolicy(monitor.Policy{Slug: "new", Name: "Days", Steps: []monitor.PolicyStep{{Channels: []string{ops.ID}}}})
		h := w.createHeartbeat("backup")
		w.createHeartbeat("sync")
		w.post("member", "/heartbeats/"+h.ID, url.Values{"name": {"backup"}, "interval": {"1h"}, "grace": {"10m"}, "channels": {"policy:new"}})
		page := "/policies/" + days.ID
		w.expectHTML(w.get("member", "/policies"), 200, `href="`+page+`"`) // the slug is the address of the form
		w.expectHTML(w.get("member", page), 200, "1 heartbeat names the policy and would notify all channels of the project at once")
		if a := w.post("viewer", page+"/default", url.Values{"default": {"on"}}); a.code != http.StatusForbidden {
			w.Error("a viewer made it the default:", a.code)
		}
		w.post("member", page+"/default", url.Values{"default": {"on"}})
		if !w.policies()["new"].Default {
			w.Error("not the default")
		}
		w.expectHTML(w.get("member", page+"/delete"), 200, "1 heartbeat names the policy", "It is the default policy of 1 heartbeat, which would notify all channels")
		w.expectHTML(w.post("member", page+"/delete", url.Values{"confirm": {"days"}}), 422, "The name does not match")
		if a := w.post("viewer", page+"/delete", url.Values{"confirm": {"Days"}}); a.code != http.StatusForbidden || len(w.policies()) != 1 {
			w.Error("a viewer deleted it:", a.code)
		}
		w.post("member", page+"/default", url.Values{"default": {"off"}})
		if w.policies()["new"].Default {
			w.Error("still the default")
		}
		if a := w.post("member", page+"/delete", url.Values{"confirm": {"Days"}}); a.code != http.StatusSeeOther || len(w.policies()) != 0 {
			w.Error(a.code)
		}
		if got := w.heartbeatByName("backup"); got.Policy != "" {
			w.Errorf("the heartbeat still names %s", got.Policy)
		}
		w.expectHTML(w.get("member", page), 404)
	})
}
