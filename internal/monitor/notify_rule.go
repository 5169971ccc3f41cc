package monitor

import (
	"slices"
	"time"
)

// NotifyRuleKind names the rule that decides who is notified of incidents of a heartbeat. The values
// are part of the API.
type NotifyRuleKind string

// The rules, in their order: the first that applies decides.
const (
	NotifyChannels      NotifyRuleKind = "channels"       // the channels that the heartbeat names
	NotifyPolicy        NotifyRuleKind = "policy"         // the policy that it names
	NotifyDefaultPolicy NotifyRuleKind = "default_policy" // the default policy of the project
	NotifyAllChannels   NotifyRuleKind = "all_channels"   // all channels of the project, at once
)

// NotifyRule is the rule that decides who is notified of incidents of a heartbeat.
type NotifyRule struct {
	Kind   NotifyRuleKind
	Policy *Policy // nil if no policy decides
	Why    string  // a sentence
}

// NotifyRule returns the rule that decides who is notified of an incident of the heartbeat. Deleted
// channels and policies do not count, so that the heartbeat is never silent.
func (h Heartbeat) NotifyRule(who Audience) NotifyRule {
	if !h.AllChannels && (len(h.Channels) == 0 || slices.ContainsFunc(who.Channels, h.RoutesTo)) {
		return NotifyRule{Kind: NotifyChannels, Why: "The heartbeat names its channels."}
	}
	var fallback *Policy
	for i := range who.Policies {
		p := &who.Policies[i]
		switch {
		case p.Project != h.Project || len(p.Steps) == 0:
		case h.Policy != "" && p.Slug == h.Policy:
			return NotifyRule{NotifyPolicy, p, "The heartbeat names the policy " + p.Name + "."}
		case p.Default:
			fallback = p
		}
	}
	because := "The heartbeat names no channels and no policy"
	switch {
	case !h.AllChannels:
		because = "All channels that the heartbeat names were deleted"
	case h.Policy != "":
		because = "The policy " + h.Policy + " that the heartbeat names does not exist"
	}
	if fallback != nil {
		return NotifyRule{NotifyDefaultPolicy, fallback, because + ", so the default policy " + fallback.Name + " applies."}
	}
	return NotifyRule{Kind: NotifyAllChannels, Why: because + ", and the project has no default policy, so all its channels are notified at once."}
}

// PlannedAlert is an alert about an incident that opens at a given time and that no one acknowledges.
type PlannedAlert struct {
	Notification
	Due  time.Time // by the plan
	At   time.Time // when it is sent: later than Due if it is held. Zero if it is not sent
	Held string    // why it is held or not sent, as a part of a sentence; "" if it is sent when it is due
}

// PlannedAlerts returns the alerts about an incident of the heartbeat that opens at a time, in the order of
// the plan. Their times are those of AlertsFor.
func (h Heartbeat) PlannedAlerts(who Audience, at time.Time) (planned []PlannedAlert) {
	alerts := h.AlertsFor(Change{Opened: &Opening{At: at}}, Incident{ID: "planned"}, who, at)
	for _, n := range h.NotificationPlan(who) {
		p := PlannedAlert{Notification: n, Due: at.Add(n.After), Held: "it is left out"}
		i := slices.IndexFunc(alerts, func(a Alert) bool {
			e, _ := a.Escalation()
			return a.Channel == n.Channel.ID && a.Event == n.Event && e == n.Escalation
		})
		if i >= 0 {
			p.At, p.Held = alerts[i].NextAttempt, ""
			alerts = slices.Delete(alerts, i, i+1)
		}
		if why := h.ExplainMute(at); why != "" && !p.At.Equal(p.Due) {
			p.Held = why
		}
		planned = append(planned, p)
	}
	return planned
}
