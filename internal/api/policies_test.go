package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"overdue/client"
)

// policy creates a policy with one step.
func (w *fixture) policy(name string, c client.Channel) client.Policy {
	w.Helper()
	p, err := w.client("read-write").CreatePolicy(w.Context(), client.PolicySettings{
		Name: &name, Steps: []client.PolicyStepSettings{{After: 0, Channels: []string{c.ID}}},
	})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// notifications describes who would be notified of an incident of a heartbeat.
func (w *fixture) notifications(h client.Heartbeat) (lines []string) {
	w.Helper()
	plan, err := w.client("read-only").HeartbeatNotifications(w.Context(), h.Ref)
	if err != nil {
		w.Fatal(err)
	}
	for _, n := range plan.Notifications {
		line := strings.Join([]string{n.ChannelName, strings.TrimPrefix(n.Event, "incident."), n.Why}, ": ")
		lines = append(lines, strings.ReplaceAll(line, "\u00a0", " "))
	}
	return lines
}

func TestPolicies_DecideWhoIsNotified(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		chat, phone := w.channel("Chat"), w.channel("Phone")
		h, server := w.heartbeat("Backup"), w.client("read-write")
		expect := func(what string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, w.notifications(h)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		all := "alerts of the heartbeat go to all channels of the project"
		expect("without a policy", "Chat: opened: "+all, "Phone: opened: "+all)
		p, err := server.CreatePolicy(w.Context(), client.PolicySettings{Name: new("Nights"), Default: new(true), Steps: []client.PolicyStepSettings{
			{After: 0, Channels: []string{chat.ID}}, {After: "15m", Channels: []string{phone.ID}, RepeatEvery: "30m"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if p.Slug != "nights" || len(p.Steps) != 2 || p.Steps[1].After != 900 || p.Steps[1].RepeatEvery == nil || *p.Steps[1].RepeatEvery != 1800 {
			t.Errorf("created %+v", p)
		}
		steps := []string{"Chat: opened: step 1 of policy Nights", "Phone: opened: step 2 of policy Nights", "Phone: reminder: step 2 of policy Nights, repeated every 30 min"}
		expect("with a default policy", steps...)
		other := w.policy("Other", phone)
		expect("with another policy that is not the default", steps...)
		if _, err := server.ChangePolicy(w.Context(), other.ID, client.PolicySettings{Default: new(true)}); err != nil {
			t.Fatal(err)
		}
		expect("with another default", "Phone: opened: step 1 of policy Other")
		if p, err := server.Policy(w.Context(), "nights"); err != nil || p.Default {
			t.Errorf("the earlier default is %+v, %v", p, err)
		}
		if err := server.DeleteChannel(w.Context(), phone.ID); err != nil {
			t.Fatal(err)
		}
		expect("after the channel of the policy was deleted", "Chat: opened: all channels of the first step of policy Other were deleted")
		if err := server.DeletePolicy(w.Context(), other.Slug, false); err != nil {
			t.Fatal(err)
		}
		expect("after the policy was deleted", "Chat: opened: "+all)
		if list, err := server.Policies(w.Context()); err != nil || len(list.Items) != 1 {
			t.Errorf("policies %+v, %v", list, err)
		}
	})
}

func TestPolicies_RejectWhatCannotWork(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.channel("Chat").ID
		w.policy("Nights", client.Channel{ID: c})
		for body, want := range map[string]struct {
			status int
			text   string
		}{
			`{"steps": [{"after": 0, "channels": ["C"]}]}`: {422, "name"},
			`{"name": "x"}`:                 {422, "1 to 10 steps"},
			`{"name": "x", "steps": "now"}`: {422, "list of objects"},
			`{"name": "x", "steps": [{"after": 0, "channels": ["C"], "who": 1}]}`:                        {422, "list of objects"},
			`{"name": "x", "steps": [{"after": "5m", "channels": ["C"]}]}`:                               {422, "at the opening"},
			`{"name": "x", "steps": [{"after": "soon", "channels": ["C"]}]}`:                             {422, "steps.0.after"},
			`{"name": "x", "steps": [{"after": 0, "channels": ["gone"]}]}`:                               {422, "does not exist"},
			`{"name": "x", "steps": [{"after": 0, "channels": ["C"]}, {"after": 0, "channels": ["C"]}]}`: {422, "later than step 1"},
			`{"name": "x", "steps": [{"after": 0, "channels": ["C"], "repeat_every": "1s"}]}`:            {422, "minimum"},
			`{"name": "x", "slug": "Not a slug", "steps": [{"after": 0, "channels": ["C"]}]}`:            {422, "slug"},
			`{"name": "Nights", "steps": [{"after": 0, "channels": ["C"]}]}`:                             {409, "belongs to the policy"},
		} {
			r := w.request("read-write", "POST", Prefix+"/policies", strings.ReplaceAll(body, `"C"`, `"`+c+`"`))
			if r.status != want.status || !strings.Contains(string(r.body), want.text) {
				t.Errorf("%s: %d %s; want %d with %q", body, r.status, r.body, want.status, want.text)
			}
		}
	})
}

func TestHeartbeatPolicy_DecidesAndIsNeverLostSilently(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		chat, phone := w.channel("Chat"), w.channel("Phone")
		h, server, ctx := w.heartbeat("Backup"), w.client("read-write"), w.Context()
		days := w.policy("Days", phone)
		rejected := func(status int, text, body string) {
			t.Helper()
			r := w.request("read-write", "PATCH", Prefix+"/heartbeats/"+*h.ID, body)
			if r.status != status || !strings.Contains(string(r.body), text) {
				t.Errorf("%s: %d %s; want %d with %q", body, r.status, r.body, status, text)
			}
		}
		change := func(s client.HeartbeatSettings) client.Heartbeat {
			t.Helper()
			changed, err := server.ChangeHeartbeat(ctx, *h.ID, s)
			if err != nil {
				t.Fatal(err)
			}
			return changed
		}
		expect := func(rule, policy string, want ...string) {
			t.Helper()
			plan, err := w.client("read-only").HeartbeatNotifications(ctx, h.Ref)
			if err != nil || plan.Rule != rule || policy != "" && (plan.Policy == nil || *plan.Policy != policy) || policy == "" && plan.Policy != nil || plan.Why == "" {
				t.Errorf("rule %+v, %v; want %s %s", plan, err, rule, policy)
			}
			if diff := cmp.Diff(want, w.notifications(h)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		rejected(422, "No policy of the project has the slug nosuch", `{"policy": "nosuch"}`)
		if changed := change(client.HeartbeatSettings{Policy: new("days")}); changed.Policy == nil || *changed.Policy != "days" {
			t.Errorf("policy %v", changed.Policy)
		}
		if entry := w.lastAuditEntry(); entry.Detail != "policy: – → days" {
			t.Errorf("audit log: %q", entry.Detail)
		}
		expect("policy", "days", "Phone: opened: step 1 of policy Days")
		rejected(422, "set policy to null, or remove the channels", `{"channels": ["`+chat.ID+`"]}`)
		named := change(client.HeartbeatSettings{Channels: &[]string{chat.ID}, Policy: new("")})
		if named.Policy != nil || len(named.Channels) != 1 {
			t.Errorf("channels instead of a policy: %+v", named)
		}
		rejected(422, "set channels to null, or remove the policy", `{"policy": "days"}`)
		if r := w.request("read-write", "PATCH", Prefix+"/heartbeats/"+*h.ID, `{"policy": "days", "channels": null}`); r.status != 200 {
			t.Errorf("a policy instead of channels: %d %s", r.status, r.body)
		}
		if _, err := server.ChangePolicy(ctx, "days", client.PolicySettings{Slug: new("daily"), Name: new("Daily")}); err != nil {
			t.Fatal(err)
		}
		expect("policy", "daily", "Phone: opened: step 1 of policy Daily")
		if p, err := server.Policy(ctx, "daily"); err != nil || p.HeartbeatsCount != 1 || p.NamedByCount != 1 {
			t.Errorf("%+v, %v", p, err)
		}
		r := w.request("read-write", "DELETE", Prefix+"/policies/"+days.ID, "")
		if r.status != 409 || !strings.Contains(string(r.body), "1 heartbeat names the policy and would notify all channels of the project at once") {
			t.Errorf("the deletion: %d %s", r.status, r.body)
		}
		night := w.policy("Nights", chat)
		if _, err := server.ChangePolicy(ctx, night.ID, client.PolicySettings{Default: new(true)}); err != nil {
			t.Fatal(err)
		}
		if err := server.DeletePolicy(ctx, days.ID, true); err != nil {
			t.Fatal(err)
		}
		if entry := w.lastAuditEntry(); entry.Detail != "1 heartbeat names the policy and would use the default policy Nights" {
			t.Errorf("audit log: %q", entry.Detail)
		}
		expect("default_policy", "nights", "Chat: opened: step 1 of policy Nights")
		if p, err := server.Policy(ctx, "nights"); err != nil || p.HeartbeatsCount != 1 || p.NamedByCount != 0 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

func TestChangePolicy_RejectsALostUpdate(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		chat := w.channel("Chat")
		w.policy("Days", chat)
		server := w.client("read-write")
		read, err := server.Policy(w.Context(), "days")
		if err != nil || read.ETag == "" {
			t.Fatalf("%+v, %v", read, err)
		}
		steps := []client.PolicyStepSettings{{After: 0, Channels: []string{chat.ID}, RepeatEvery: "1h"}}
		if _, err := server.ChangePolicy(w.Context(), "days", client.PolicySettings{Steps: steps, IfMatch: read.ETag}); err != nil {
			t.Fatal(err)
		}
		_, err = server.ChangePolicy(w.Context(), "days", client.PolicySettings{Steps: steps[:1], Name: new("Lost"), IfMatch: read.ETag})
		if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != 412 {
			t.Errorf("an edit of an old version: %v", err)
		}
		if r := w.request("read-write", "DELETE", Prefix+"/policies/days", "", "If-Match", read.ETag); r.status != 412 {
			t.Errorf("a deletion of an old version: %d %s", r.status, r.body)
		}
		if now, err := server.Policy(w.Context(), "days"); err != nil || now.Name != "Days" || now.Steps[0].RepeatEvery == nil {
			t.Errorf("%+v, %v", now, err)
		}
	})
}
