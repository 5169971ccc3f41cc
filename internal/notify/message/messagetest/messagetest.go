// Package messagetest gives tests examples of notifications.
package messagetest

import (
	"maps"
	"time"

	"overdue/client"
	"overdue/internal/notify/message"
)

// Missed returns a notification with all fields: a missed ping of the
// nightly backup.
func Missed() message.Notification {
	at := time.Date(2026, 10, 14, 5, 0, 4, 0, time.UTC)
	number := int64(482)
	return message.Notification{
		AlertID: "0199a1b2-alert", Event: message.EventOpened, At: at,
		Project: "Production", ProjectSlug: "main", Channel: "Ops mail", ChannelURL: "https://overdue.example.com/channels/c1", ThreadID: "0199a1b2-incident",
		Heartbeat:   "Nightly backup",
		Description: "Runbook: https://wiki.example.com/backup (restart with \"systemctl start backup\", then call the person on duty.)\nDisk full? Delete /tmp/old.",
		Number:      number, Cause: "missed", Schedule: "every 1 h", Grace: time.Hour,
		LastPing: at.Add(-2 * time.Hour), Due: at.Add(-time.Hour), Deadline: at, DownSince: at,
		Explanation: "03:00:04 + 1h + 1h of grace = 05:00:04.",
		Output:      "copying\ndone", URL: "https://overdue.example.com/incidents/482",
		AckURL: "https://overdue.example.com/incidents/482/acknowledge",
		Notice: client.Notification{
			Incident:  &client.Incident{ID: "0199a1b2-incident", Number: number, State: "open", Cause: "missed", OpenedAt: at},
			Heartbeat: &client.Heartbeat{Ref: "r1", Name: "Nightly backup", Slug: "nightly-backup", Status: "down"},
		},
	}
}

// FailedBackup returns a notification with all facts: a failed job with output, or a group of such jobs.
func FailedBackup(event string) message.Notification {
	if event == message.EventGrouped {
		return Grouped()
	}
	n := Missed()
	three := 3
	n.Event, n.Cause, n.ExitCode, n.Output = event, "failure", &three, "copying\npg_dump: disk full"
	n.Explanation = "The job exited with code 3."
	n.Description = "Where: db-3\r\nOwner: storage team\nRunbook: https://wiki.example.com/backup?id=7"
	if event == message.EventOpened || event == message.EventResolved {
		n.Flapping = "The heartbeat flaps: 7 changes in 30 min."
	}
	n.Notice.Incident.Cause = "failure"
	n.Notice.Heartbeat.Schedule = n.Schedule
	return n
}

// Grouped returns a notification about many heartbeats that went silent together.
func Grouped() message.Notification {
	n := Missed()
	g := client.IncidentGroup{
		Event: message.EventOpened, Cause: "missed", Count: 20_000, Open: 19_997, From: n.At, To: n.At.Add(30 * time.Second),
		Tags: []string{"rack-7"},
		Incidents: []client.GroupedIncident{
			{ID: "0199a1b2-incident", Number: 482, HeartbeatName: "Nightly backup", Severity: "critical"},
			{ID: "0199a1b2-second", Number: 483, HeartbeatName: "Invoices", Severity: "warning"},
		},
	}
	return message.Notification{
		AlertID: n.AlertID, Event: message.EventGrouped, At: n.At, Project: n.Project, ProjectSlug: n.ProjectSlug, Channel: n.Channel,
		ChannelURL: n.ChannelURL, Group: &g, URL: "https://overdue.example.com/incidents?state=open",
	}
}

// The facts of FailedBackup, each in one of the listed forms.
var (
	factsOfAll = map[string][]string{
		"name":        {"Nightly backup"},
		"since":       {"05:00:04"},
		"cause":       {"Failure", "incident.cause=failure"},
		"why":         {"The job exited with code 3."},
		"schedule":    {"every 1 h"},
		"description": {"Where: db-3"},
		"its 2nd line": {
			"Owner: storage team",
		},
		"its link":  {"https://wiki.example.com/backup?id=7"},
		"open link": {"https://overdue.example.com/incidents/482"},
	}
	factsOfDown = map[string][]string{
		"exit code":        {"exit code 3", "exit_code=3"},
		"output":           {"pg_dump: disk full"},
		"acknowledge link": {"https://overdue.example.com/incidents/482/acknowledge"},
	}
	factsOfGroup = map[string][]string{
		"status":           {"[Down]", "event=incidents.grouped"},
		"count":            {"20,000"},
		"names":            {"Nightly backup, Invoices and 19,998 more"},
		"cause":            {"Missed ping", "group.cause=missed"},
		"in common":        {"rack-7"},
		"since":            {"05:00:04"},
		"until":            {"05:00:34"},
		"still open":       {"19,997", "group.open=19997"},
		"already resolved": {"of these incidents were resolved"},
		"open link":        {"https://overdue.example.com/incidents?state=open"},
	}
	statuses = map[string][]string{
		message.EventOpened:       {"[Down]", "event=incident.opened"},
		message.EventReminder:     {"[Still down]", "event=incident.reminder"},
		message.EventAcknowledged: {"[Acknowledged]", "event=incident.acknowledged"},
		message.EventResolved:     {"[Up]", "event=incident.resolved"},
	}
)

// Facts returns, by event, the facts that a message about FailedBackup contains on every kind of channel, each in one
// of the listed forms.
func Facts() map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for event, status := range statuses {
		facts := maps.Clone(factsOfAll)
		facts["status"] = status
		if event == message.EventOpened || event == message.EventReminder {
			maps.Copy(facts, factsOfDown)
		}
		if event == message.EventOpened || event == message.EventResolved {
			facts["flapping"] = []string{"7 changes"}
		}
		all[event] = facts
	}
	all[message.EventGrouped] = factsOfGroup
	return all
}
