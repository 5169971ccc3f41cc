package view_test

import (
	"time"

	"overdue/internal/web/view/policyview"
	"overdue/internal/web/view/ui"
)

func examplePolicyList() policyview.ListPage {
	return policyview.ListPage{Shell: exampleShell(), AllChannels: 1186, ProjectChannels: 7, Policies: []policyview.Policy{
		{Key: "default", Name: "Default", Slug: "default", Default: true, Heartbeats: 1186, Naming: 2, Steps: []policyview.StepLine{{When: "At once", Channels: "#ops-alerts"}, {When: "After 15m", Channels: "Mara’s phone"}, {When: "Then every 2h", Channels: "Mara’s phone"}}},
		{Key: "night-call", Name: "Night call <b>", Slug: "night-call", Heartbeats: 12, Naming: 12, Steps: []policyview.StepLine{{When: "At once", Channels: "1 deleted channel"}}},
	}}
}

func examplePolicyForm() policyview.FormPage {
	at := func(s string) time.Time { return utc("2025-12-05T" + s + "Z") }
	options := func(selected ...string) (all []policyview.ChannelOption) {
		for _, c := range exampleChannels() {
			o := policyview.ChannelOption{ID: c.ID, Name: c.Name, Kind: c.Kind.Label}
			for _, id := range selected {
				o.Selected = o.Selected || id == c.ID
			}
			all = append(all, o)
		}
		return all
	}
	return policyview.FormPage{
		Shell: exampleShell(), ID: "p1", Key: "default", Title: "Default", Default: true, Heartbeats: 1186, Naming: 2, Version: "3", OriginalValues: "{}",
		Deletion: "It is the default policy of 1184 heartbeats, which would notify all channels of the project at once.",
		Form: policyview.FormValues{
			Name: ui.Input{Value: "Default"}, Slug: ui.Input{Value: "default"}, Repeat: ui.Input{Value: "2h"}, Heartbeat: ui.Input{Value: "invoice-pdfs"}, At: ui.Input{Value: "2025-12-05T03:00"},
			Steps: []policyview.Step{
				{Channels: options("c1", "c2")},
				{After: ui.Input{Value: "15", Error: "15 has no unit: write 15m or 15h."}, Channels: options("c7")},
				{After: ui.Input{Value: "45m"}, Channels: options(), Error: "Step 3 must name at least one channel."},
			},
		},
		Beats: []ui.Option{{Value: "invoice-pdfs", Label: "Invoice PDFs to archive"}},
		Preview: policyview.Preview{
			Every: "2h", Opened: at("02:00:00"), Tried: "Invoice PDFs to archive", Rule: "This is what would happen with this policy. The heartbeat names its channels.",
			Times: []policyview.LaneTime{{Text: "0"}, {Text: "15m"}, {Text: "45m"}},
			Lanes: []policyview.Lane{{Channel: "#ops-alerts", Kind: "Slack", Marks: []int{0, 2}, Reminded: true}, {Channel: "Mara’s phone", Kind: "Telegram", Marks: []int{1}}},
			Steps: []policyview.StepLine{{When: "At once", Channels: "#ops-alerts"}, {When: "After 15m", Channels: "Mara’s phone"}},
			Alerts: []policyview.Alert{
				{Due: at("02:00:00"), At: at("02:00:00"), Channels: []string{"#ops-alerts", "On-call email"}, What: "Step 1 of policy Default"},
				{Due: at("02:15:00"), At: at("07:15:00"), Channels: []string{"Mara’s phone"}, What: "Step 2 of policy Default", Held: "alerts of this heartbeat are muted until 07:00", Failing: []string{"Mara’s phone"}},
				{Due: at("04:45:00"), Channels: []string{"#ops-alerts"}, What: "Step 3 of policy Default, repeated every 2 h", Reminder: true, Held: "alerts of this heartbeat are muted until someone unmutes them"},
			},
		},
	}
}

// viewersPolicy is the page of a policy for a viewer.
func viewersPolicy() policyview.FormPage {
	p := examplePolicyForm()
	p.Shell = viewerShell()
	return p
}
