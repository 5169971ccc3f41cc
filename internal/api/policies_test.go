package api

import (
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
		if err := server.DeletePolicy(w.Context(), other.Slug); err != nil {
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
