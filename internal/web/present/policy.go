package present

import (
	"slices"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/policyview"
	"overdue/internal/web/view/ui"
)

// reservedPolicySlugs are slugs that have another meaning in the address of a page.
var reservedPolicySlugs = []string{"new", "preview"}

// PolicyKey returns the part of an address that names a policy.
func PolicyKey(p monitor.Policy) string {
	if slices.Contains(reservedPolicySlugs, p.Slug) {
		return p.ID
	}
	return p.Slug
}

// PolicyLine returns a policy of the list.
func PolicyLine(p manage.PolicyDetail, channels []monitor.Channel) policyview.Policy {
	return policyview.Policy{
		Key: PolicyKey(p.Policy), Name: p.Name, Slug: p.Slug, Default: p.Default, Heartbeats: p.Heartbeats, Naming: p.Naming, Steps: policySteps(p.Policy, channels),
	}
}

// policySteps returns the steps of a policy in words.
func policySteps(p monitor.Policy, channels []monitor.Channel) (lines []policyview.StepLine) {
	var last string
	for _, s := range p.Steps {
		var names []string
		for _, c := range channels {
			if slices.Contains(s.Channels, c.ID) {
				names = append(names, c.Name)
			}
		}
		if deleted := len(s.Channels) - len(names); deleted > 0 {
			names = append(names, ui.Plural(deleted, "deleted channel"))
		}
		last = ui.JoinWords(names)
		lines = append(lines, policyview.StepLine{When: stepTime(s.After), Channels: last})
	}
	if n := len(p.Steps); n > 0 && p.Steps[n-1].RepeatEvery > 0 {
		lines = append(lines, policyview.StepLine{When: "Then every " + ui.ExactDuration(p.Steps[n-1].RepeatEvery), Channels: last})
	}
	return lines
}

// stepTime describes the delay of a step.
func stepTime(d time.Duration) string {
	if d == 0 {
		return "At once"
	}
	return "After " + ui.ExactDuration(d)
}

// PolicyPreview returns what a policy does. opened is the time at which the tried incident opens.
func PolicyPreview(v manage.PolicyPreview, channels []monitor.Channel, opened time.Time) policyview.Preview {
	p := policyview.Preview{Opened: opened, Tried: v.Heartbeat, Steps: policySteps(v.Policy, channels)}
	index := map[time.Duration]int{}
	for n, s := range v.Policy.Steps {
		text := "0"
		if s.After > 0 {
			text = ui.ExactDuration(s.After)
		}
		index[s.After], p.Times = n, append(p.Times, policyview.LaneTime{Text: text})
		if s.RepeatEvery > 0 {
			p.Every = ui.ExactDuration(s.RepeatEvery)
		}
	}
	lanes := map[string]int{}
	for _, n := range v.Plan {
		i, known := lanes[n.Channel.ID]
		if !known {
			i = len(p.Lanes)
			lanes[n.Channel.ID], p.Lanes = i, append(p.Lanes, policyview.Lane{Channel: n.Channel.Name, Kind: ChannelKindLabel(n.Channel.Kind)})
		}
		if n.Escalation.RepeatEvery > 0 {
			p.Lanes[i].Reminded = true
		} else {
			p.Lanes[i].Marks = append(p.Lanes[i].Marks, index[n.After])
		}
	}
	p.Alerts = plannedAlerts(v.Alerts)
	if r := v.Rule; v.Heartbeat != "" && (r.Policy == nil || r.Policy.ID != v.Policy.ID) {
		p.Rule = "This is what would happen with this policy. " + r.Why
	}
	return p
}

// plannedAlerts groups the alerts that are sent at the same time for the same reason.
func plannedAlerts(planned []monitor.PlannedAlert) (lines []policyview.Alert) {
	for _, a := range planned {
		line := policyview.Alert{Due: a.Due, At: a.At, What: strings.ToUpper(a.Why[:1]) + a.Why[1:], Reminder: a.RepeatEvery() > 0, Held: a.Held}
		if !a.At.Before(monitor.MutedUntilUnmuted) {
			line.At = time.Time{} // a user decides
		}
		last := len(lines) - 1
		if last < 0 || lines[last].At != line.At || lines[last].What != line.What || lines[last].Held != line.Held {
			lines, last = append(lines, line), last+1
		}
		lines[last].Channels = append(lines[last].Channels, a.Channel.Name)
		if a.Channel.Failing {
			lines[last].Failing = append(lines[last].Failing, a.Channel.Name)
		}
	}
	return lines
}
