package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// night is a default policy of three steps.
func night() Policy {
	return Policy{Project: 1, Name: "Nights", Default: true, Steps: []PolicyStep{
		{Channels: []string{"chat"}},
		{After: 15 * time.Minute, Channels: []string{"chat", "phone"}},
		{After: time.Hour, Channels: []string{"boss", "phone"}, RepeatEvery: 30 * time.Minute},
	}}
}

// policyChannels are the channels of a project.
func policyChannels(ids ...string) (channels []Channel) {
	for _, id := range ids {
		channels = append(channels, Channel{ID: id, Project: 1, NotifyOnRecovery: true, NotifyOnLate: true, RemindEvery: time.Minute})
	}
	return channels
}

// planned returns the notifications of a plan as text.
func planned(plan []Notification) (lines []string) {
	for _, n := range plan {
		lines = append(lines, fmt.Sprintf("%s %s %s", n.After, n.Channel.ID, n.Event))
	}
	return lines
}

func TestNotificationPlan_DecidesWhoIsNotifiedAndWhen(t *testing.T) {
	other := night()
	other.Default = false
	atOnce := func(id string) []string {
		return []string{"0s " + id + " incident.opened", "1m0s " + id + " incident.reminder"}
	}
	steps := []string{
		"0s chat incident.opened", "15m0s chat incident.reminder", "15m0s phone incident.opened",
		"1h0m0s phone incident.reminder", "1h0m0s boss incident.opened", "1h30m0s phone incident.reminder", "1h30m0s boss incident.reminder",
	}
	for _, row := range []struct {
		name     string
		only     []string
		policies []Policy
		channels []Channel
		want     []string
	}{
		{"NoPolicy", nil, nil, policyChannels("mail"), atOnce("mail")},
		{"NoDefaultPolicy", nil, []Policy{other}, policyChannels("mail"), atOnce("mail")},
		{"TheStepsOfTheDefaultPolicy", nil, []Policy{other, night()}, policyChannels("mail", "chat", "phone", "boss"), steps},
		{"ChannelsThatTheHeartbeatNames", []string{"mail"}, []Policy{night()}, policyChannels("chat", "mail"), atOnce("mail")},
		{"ItsChannelsWereDeleted", []string{"gone"}, []Policy{night()}, policyChannels("chat", "phone", "boss"), steps},
		{"ALaterStepWithoutChannelsIsSkipped", nil, []Policy{night()}, policyChannels("chat"), []string{"0s chat incident.opened", "15m0s chat incident.reminder"}},
		{
			"WithoutTheFirstStepAllChannels", nil,
			[]Policy{night()},
			policyChannels("mail", "phone"),
			[]string{"0s mail incident.opened", "0s phone incident.opened", "15m0s phone incident.reminder", "1h0m0s phone incident.reminder", "1h30m0s phone incident.reminder"},
		},
		{"AllChannelsOfThePolicyWereDeleted", nil, []Policy{night()}, policyChannels("mail"), []string{"0s mail incident.opened"}},
		{"NoChannels", nil, []Policy{night()}, nil, nil},
	} {
		h := Heartbeat{Project: 1, AllChannels: row.only == nil, Channels: row.only}
		got := h.NotificationPlan(Audience{Channels: row.channels, Policies: row.policies})
		if diff := cmp.Diff(row.want, planned(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
		for _, n := range got {
			if n.Why == "" {
				t.Errorf("%s: %+v has no explanation", row.name, n)
			}
		}
	}
}

// TestNotificationPlan_NeverSilent deletes every subset of the channels.
func TestNotificationPlan_NeverSilent(t *testing.T) {
	ids := []string{"chat", "phone", "boss", "mail"}
	days := Policy{Project: 1, Slug: "days", Name: "Days", Steps: []PolicyStep{{Channels: []string{"boss"}}, {After: time.Hour, Channels: []string{"mail"}}}}
	for subset := 1; subset < 1<<len(ids); subset++ {
		var left []string
		for n, id := range ids {
			if subset&(1<<n) != 0 {
				left = append(left, id)
			}
		}
		for _, only := range [][]string{nil, {"phone"}, {"gone"}} {
			h := Heartbeat{Project: 1, AllChannels: only == nil, Channels: only, Policy: []string{"", "days", "gone"}[subset%3]}
			plan := h.NotificationPlan(Audience{Channels: policyChannels(left...), Policies: []Policy{days, night()}})
			if len(plan) == 0 || plan[0].After != 0 || plan[0].Event != IncidentOpened {
				t.Errorf("channels %v, heartbeat with %v: the opening notifies no channel: %v", left, only, planned(plan))
			}
			opened := map[string]bool{}
			for _, n := range plan {
				if (n.Event == IncidentOpened) == opened[n.Channel.ID] {
					t.Errorf("channels %v: %s is notified of the opening twice, or reminded before: %v", left, n.Channel.ID, planned(plan))
				}
				opened[n.Channel.ID] = true
			}
		}
	}
}

func TestNotifyRule_TheFirstRuleThatAppliesDecides(t *testing.T) {
	named, foreign := night(), night()
	named.Default, named.Slug, named.Name = false, "days", "Days"
	foreign.Project, foreign.Slug, foreign.Name = 2, "days", "Foreign"
	empty := Policy{Project: 1, Slug: "empty", Name: "Empty"}
	all := policyChannels("chat", "mail")
	for _, row := range []struct {
		name     string
		h        Heartbeat
		policies []Policy
		kind     NotifyRuleKind
		policy   string
		first    string // the channel that is notified first
		why      string // a part of the explanation
	}{
		{"Channels", Heartbeat{Channels: []string{"mail"}}, []Policy{night(), named}, NotifyChannels, "", "mail", "names its channels"},
		{"ChannelsBeforeAPolicy", Heartbeat{Channels: []string{"mail"}, Policy: "days"}, []Policy{night(), named}, NotifyChannels, "", "mail", "names its channels"},
		{"APolicyBeforeTheDefault", Heartbeat{AllChannels: true, Policy: "days"}, []Policy{night(), named}, NotifyPolicy, "Days", "chat", "names the policy Days"},
		{"APolicyWithoutADefault", Heartbeat{AllChannels: true, Policy: "days"}, []Policy{foreign, named}, NotifyPolicy, "Days", "chat", "names the policy Days"},
		{"ADeletedPolicy", Heartbeat{AllChannels: true, Policy: "gone"}, []Policy{foreign, night(), named}, NotifyDefaultPolicy, "Nights", "chat", "gone that the heartbeat names does not exist"},
		{"ADeletedPolicyWithoutADefault", Heartbeat{AllChannels: true, Policy: "gone"}, []Policy{named, foreign}, NotifyAllChannels, "", "chat", "gone that the heartbeat names does not exist"},
		{"APolicyOfAnotherProject", Heartbeat{AllChannels: true, Policy: "days"}, []Policy{foreign}, NotifyAllChannels, "", "chat", "does not exist"},
		{"APolicyWithoutSteps", Heartbeat{AllChannels: true, Policy: "empty"}, []Policy{empty}, NotifyAllChannels, "", "chat", "does not exist"},
		{"DeletedChannelsAndAPolicy", Heartbeat{Channels: []string{"gone"}, Policy: "days"}, []Policy{night(), named}, NotifyPolicy, "Days", "chat", "names the policy Days"},
		{"DeletedChannels", Heartbeat{Channels: []string{"gone"}}, nil, NotifyAllChannels, "", "chat", "names were deleted"},
		{"TheDefault", Heartbeat{AllChannels: true}, []Policy{named, night()}, NotifyDefaultPolicy, "Nights", "chat", "names no channels and no policy, so the default policy Nights"},
		{"AllChannels", Heartbeat{AllChannels: true}, []Policy{named}, NotifyAllChannels, "", "chat", "has no default policy"},
	} {
		row.h.Project = 1
		who := Audience{Channels: all, Policies: row.policies}
		rule, policy := row.h.NotifyRule(who), ""
		if rule.Policy != nil {
			policy = rule.Policy.Name
		}
		plan := row.h.NotificationPlan(who)
		if rule.Kind != row.kind || policy != row.policy || !strings.Contains(rule.Why, row.why) || len(plan) == 0 || plan[0].Channel.ID != row.first || plan[0].After != 0 {
			t.Errorf("%s: %+v, first %v", row.name, rule, planned(plan))
		}
	}
}

func TestAlertsFor_StepsOfAPolicyAreAlertsAtTheirTime(t *testing.T) {
	h := Heartbeat{Key: 7, Project: 1, AllChannels: true}
	who := Audience{Channels: policyChannels("chat", "phone", "boss"), Policies: []Policy{night()}}
	opened := Change{Opened: &Opening{Cause: CauseMissed, At: epoch}}
	var got []string
	for _, a := range h.AlertsFor(opened, Incident{ID: "i"}, who, epoch) {
		e, step := a.Escalation()
		if step != a.NextAttempt.After(epoch) || !a.Created.Equal(a.NextAttempt) || (a.Event == IncidentOpened && step) != a.NotBefore.Equal(a.NextAttempt) {
			t.Errorf("alert %+v", a)
		}
		line := fmt.Sprintf("%s %s %s", a.NextAttempt.Sub(epoch), a.Channel, a.Event)
		if step {
			line += ": " + strings.ReplaceAll(e.Explain(), "\u00a0", " ")
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{
		"0s chat incident.opened",
		"15m0s chat incident.reminder: not acknowledged for 15 min (step 2 of policy Nights)",
		"15m0s phone incident.opened: not acknowledged for 15 min (step 2 of policy Nights)",
		"1h0m0s phone incident.reminder: not acknowledged for 1 h (step 3 of policy Nights)",
		"1h30m0s phone incident.reminder: not acknowledged (reminder every 30 min, step 3 of policy Nights)",
		"1h0m0s boss incident.opened: not acknowledged for 1 h (step 3 of policy Nights)",
		"1h30m0s boss incident.reminder: not acknowledged (reminder every 30 min, step 3 of policy Nights)",
	}, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	opened.Resolved = &Resolution{At: epoch, Reason: ResolvedByPing}
	got = nil
	for _, a := range h.AlertsFor(opened, Incident{ID: "i"}, who, epoch) {
		got = append(got, a.Channel+" "+string(a.Event))
	}
	if diff := cmp.Diff([]string{"chat incident.opened", "chat incident.resolved"}, got); diff != "" {
		t.Errorf("alerts of an incident that is over (-want +got):\n%s", diff)
	}
	late := h.AlertsFor(Change{LateSince: epoch}, Incident{}, who, epoch)
	if len(late) != 1 || late[0].Channel != "chat" {
		t.Errorf("late: %+v; want the channels of the first step", late)
	}
}

func TestPolicyValidate_RejectsStepsThatCannotWork(t *testing.T) {
	ids := []string{"chat", "phone", "boss"}
	if step, problem := night().Validate(ids); problem != "" {
		t.Fatalf("step %d: %s", step, problem)
	}
	for name, edit := range map[string]func(p *Policy){
		"no steps":             func(p *Policy) { p.Steps = nil },
		"too many":             func(p *Policy) { p.Steps = make([]PolicyStep, MaxPolicySteps+1) },
		"a silent beginning":   func(p *Policy) { p.Steps[0].After = time.Minute },
		"equal times":          func(p *Policy) { p.Steps[2].After = p.Steps[1].After },
		"too late":             func(p *Policy) { p.Steps[2].After = MaxStepDelay + 1 },
		"repeats in between":   func(p *Policy) { p.Steps[1].RepeatEvery = time.Hour },
		"repeats too often":    func(p *Policy) { p.Steps[2].RepeatEvery = time.Second },
		"repeats in the past":  func(p *Policy) { p.Steps[2].RepeatEvery = -time.Hour },
		"no channels":          func(p *Policy) { p.Steps[1].Channels = nil },
		"an unknown channel":   func(p *Policy) { p.Steps[1].Channels = []string{"gone"} },
		"a later unknown one":  func(p *Policy) { p.Steps[2].Channels = []string{"boss", "gone"} },
		"repeats too seldomly": func(p *Policy) { p.Steps[2].RepeatEvery = MaxStepDelay + time.Hour },
	} {
		p := night()
		edit(&p)
		if _, problem := p.Validate(ids); problem == "" {
			t.Errorf("%s is accepted", name)
		}
	}
}
