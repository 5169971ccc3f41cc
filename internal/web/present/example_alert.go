package present

import (
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify/message"
	"overdue/internal/web/view/paths"
	"overdue/internal/wire"
)

// The example is a nightly backup that did not ping.
const (
	exampleJob      = "Nightly database backup"
	exampleInterval = 24 * time.Hour
	exampleGrace    = 10 * time.Minute
	exampleDownFor  = 2*time.Hour + 14*time.Minute

	exampleHeartbeat = "4a8f0c9e5b1d4f6e9c27d3b05a61e8f2"
	exampleIncident  = "019ac0de-5a1b-7c3d-8e4f-0123456789ab"
	exampleAlert     = "019ac0de-5a1c-7d2e-9f30-ba9876543210"
	exampleToken     = "example"
)

// exampleFailure returns a heartbeat and its incident, which opened before now. They are calculated like any
// others: only the job does not exist.
func exampleFailure(now time.Time) (monitor.Heartbeat, monitor.Incident) {
	opened := now.Add(-exampleDownFor).Truncate(time.Minute)
	pinged := opened.Add(-exampleGrace - exampleInterval)
	h := monitor.Heartbeat{
		Ref: exampleHeartbeat, Name: exampleJob, Slug: "nightly-database-backup", Tags: []string{"backup", "nightly"},
		Severity: monitor.SeverityCritical, AllChannels: true, Status: monitor.New, PingCount: 41,
		Rule:    monitor.Rule{Interval: exampleInterval, Grace: exampleGrace, Methods: monitor.AnyMethod, AlertAfter: 1},
		Created: pinged.Add(-40 * exampleInterval), Updated: pinged.Add(-40 * exampleInterval),
	}
	h, _ = h.ApplyPing(monitor.Ping{Number: 41, Kind: monitor.PingSuccess, At: pinged, Host: "db1.example.org", ExitCode: monitor.NoExitCode}, pinged)
	h, change := h.Evaluate(opened)
	h.OpenIncident = exampleIncident
	return h, monitor.Incident{
		ID: exampleIncident, Number: 1, Cause: change.Opened.Cause, OpenedAt: change.Opened.At, DetectedAt: opened, Due: change.Opened.Due,
		LastPing: change.Opened.LastPing, Reason: change.Opened.Reason, HeartbeatRef: h.Ref, HeartbeatName: h.Name, Severity: h.Severity,
		Host: change.Opened.Host,
	}
}

// ExampleAlert returns the alert about an incident that opened before now, as channel
// would receive it.
func ExampleAlert(project monitor.Project, channel string, zone *time.Location, baseURL string, now time.Time) message.Notification {
	h, i := exampleFailure(now)
	n := message.Notification{
		AlertID: exampleAlert, Event: message.EventOpened, At: i.OpenedAt, Project: project.Name, ProjectSlug: project.Slug, Channel: channel, Zone: zone,
		ThreadID: i.ID, Heartbeat: h.Name, Number: i.Number, Cause: string(i.Cause), Schedule: h.Rule.Describe(), Grace: h.Rule.Grace,
		LastPing: i.LastPing, Due: i.Due, Deadline: i.OpenedAt, Explanation: i.Reason, DownSince: i.OpenedAt,
		URL: baseURL + paths.Incident(i.ID), AckURL: baseURL + paths.Acknowledge(exampleToken),
	}
	n.Notice = wire.Notification(h, i, i.DetectedAt)
	return n
}

// ExampleRecovery returns the alert about the end of the incident of [ExampleAlert].
func ExampleRecovery(opened message.Notification, now time.Time) message.Notification {
	n := opened
	n.Event, n.At, n.Resolution, n.DownFor = message.EventResolved, now, string(monitor.ResolvedByPing), exampleDownFor
	n.NextDue, n.LastPing, n.Due, n.Deadline, n.AckURL = now.Add(exampleInterval), time.Time{}, time.Time{}, time.Time{}, ""
	h, i := exampleFailure(now)
	h, _ = h.ApplyPing(monitor.Ping{Number: 42, Kind: monitor.PingSuccess, At: now, ExitCode: monitor.NoExitCode}, now)
	h.OpenIncident, i.ResolvedAt, i.Resolution = "", now, monitor.ResolvedByPing
	n.Notice = wire.Notification(h, i, now)
	return n
}

// EventExample is an example of an alert about one event.
type EventExample struct {
	Name, Label  string // "opened", "Down"
	Notification message.Notification
}

// ExampleAlerts returns an example of each event of a heartbeat, in the order of the previews.
func ExampleAlerts(project monitor.Project, channel string, zone *time.Location, baseURL string, now time.Time) []EventExample {
	down := ExampleAlert(project, channel, zone, baseURL, now)
	acknowledged, late, reminder := down, down, down
	acknowledged.Event, acknowledged.At, acknowledged.AcknowledgedBy, acknowledged.AckURL = message.EventAcknowledged, now, "Ada", ""
	acknowledged.DownFor = exampleDownFor
	h, i := exampleFailure(now)
	i.AcknowledgedAt, i.AcknowledgedBy = now, acknowledged.AcknowledgedBy
	acknowledged.Notice = wire.Notification(h, i, now)
	reminder.Event, reminder.At, reminder.DownFor = message.EventReminder, now, exampleDownFor
	late.Event, late.At, late.Number, late.ThreadID, late.AckURL, late.Notice.Incident = message.EventLate, down.Due, 0, "", "", nil
	late.URL, late.DownSince = baseURL+paths.Heartbeat(exampleHeartbeat), time.Time{}
	test := message.Notification{
		AlertID: exampleAlert, Event: message.EventTest, At: now, Project: project.Name, ProjectSlug: project.Slug, Channel: channel, Zone: zone, URL: baseURL + paths.Channels,
	}
	return []EventExample{
		{"opened", "Down", down},
		{"acknowledged", "Acknowledged", acknowledged},
		{"recovered", "Recovered", ExampleRecovery(down, now)},
		{"late", "Late", late},
		{"reminder", "Reminder", reminder},
		{"test", "Test", test},
	}
}
