package api

import (
	"time"

	"overdue/client"
)

// Bodies of the examples in the document.
var (
	exampleSettings    = map[string]any{"name": "Nightly backup", "interval": "24h", "grace": "30m", "tags": []string{"backup"}}
	exampleSchedule    = map[string]any{"cron": []string{"0 3 * * 1-5"}, "timezone": "Europe/Berlin", "count": 2}
	exampleChannel     = map[string]any{"kind": "webhook", "name": "Ops", "settings": map[string]any{"url": "https://example.com/overdue"}}
	exampleMaintenance = map[string]any{"reason": "PostgreSQL upgrade", "tags": []string{"db"}, "from": "2026-03-14T22:00:00Z", "duration": "2h"}
	examplePolicy      = map[string]any{"name": "Nights", "default": true, "steps": []map[string]any{
		{"after": 0, "channels": []string{"01998f7c-5a0e-7c11-9d53-2f6f3a1b8c4d"}},
		{"after": "15m", "channels": []string{"01998f7c-0d7e-7b52-8f0e-6a1c9d2b3e4f"}, "repeat_every": "30m"},
	}}
)

// examples returns the examples of the document, by the name of their schema.
func examples() map[string]any {
	const (
		id       = "3f0c2a54-9b7e-4d1f-8a36-5c2e7f9b1d08"
		ref      = "0d6b1f0a5c3e4b7f9a2d8c1e6f4b3a70"
		incident = "01998f7c-5a0e-7c11-9d53-2f6f3a1b8c4d"
	)
	ping := time.Date(2026, 3, 14, 2, 0, 41, 271828000, time.UTC)
	exampleBlackout := client.Blackout{
		Number: 14, From: ping.Add(23*time.Hour + 58*time.Minute), To: ping.Add(24*time.Hour + 40*time.Minute), Seconds: 2520, Cause: "stop",
		Detail: new("Stopped and started again."), Unknown: 1,
	}
	due, deadline := ping.Add(24*time.Hour), ping.Add(24*time.Hour+30*time.Minute)
	return map[string]any{
		"Heartbeat": client.Heartbeat{
			ID: new(id), Ref: ref, PingURL: new("https://overdue.example.com/api/v1/hb/" + id), Name: "Nightly backup", Slug: "nightly-backup",
			Tags: []string{"backup"}, Interval: new(int64(86400)), Schedule: "every 24 h", Grace: 1800, AlertAfter: 1, Instances: "any", Hosts: []client.Host{}, Severity: "critical", FlappingAlerts: "hold", Methods: "any", Status: "up",
			DueAt: &due, DeadlineAt: &deadline, LastPingAt: &ping, LastRunTime: new(41.2), PingsCount: 1042,
			CreatedAt: ping.AddDate(-2, 0, 0), UpdatedAt: ping.AddDate(0, -1, 0),
		},
		"Ping": client.Ping{
			N: 1042, Kind: "success", At: ping, RunTime: new(41.2), ExitCode: new(0), Method: "POST", Source: "203.0.113.7", Host: new("web1"),
			UserAgent: "curl/8.14.1", BodySize: 21,
			BodyURL: new("https://overdue.example.com/api/v1/heartbeats/" + ref + "/pings/1042/body"),
		},
		"Incident": client.Incident{
			ID: incident, Number: 482, HeartbeatID: new(id), HeartbeatRef: ref, HeartbeatName: "Nightly backup", Severity: "critical",
			State: "open", Cause: "missed", Host: new("web1"), OpenedAt: deadline, DetectedAt: deadline.Add(3 * time.Millisecond),
		},
		"Group": exampleGroup,
		"GroupDetail": client.GroupDetail{
			Group:   exampleGroup,
			Factors: []client.FactorCount{{Factor: exampleGroup.Factor, Incidents: 312}, {Factor: client.Factor{Kind: "tag", Value: "edge"}, Incidents: 310}},
			Causes:  map[string]int{"missed": 311, "failure": 1},
			Channels: []client.GroupAlerts{{
				ChannelID: "01998f7c-0d7e-7b52-8f0e-6a1c9d2b3e4f", ChannelName: "Ops", Alerts: 312, Alone: 4, Grouped: 308, Messages: 1,
			}},
		},
		"Node": client.Node{
			ID: "6f9c1c62-4a0d-4d0e-9b0a-0f5d1a2b3c4d", Host: "overdue-1", Version: "1.4.0", Status: "running", StartedAt: new(ping.AddDate(0, 0, -9)),
			SeenAt: ping, LastCommitAt: new(ping.Add(-40 * time.Millisecond)), WatermarkLag: 0.000001, ClockSkew: new(-0.0021), RoundTrip: new(0.0004),
		},
		"Blackout": exampleBlackout,
		"BlackoutDetail": client.BlackoutDetail{Blackout: exampleBlackout, Heartbeats: []client.BlackoutEffect{{
			HeartbeatID: new(id), HeartbeatRef: ref, HeartbeatName: "Nightly backup", Effect: "unknown", DueAt: &due, NextAt: new(due.Add(24 * time.Hour)),
		}}},
		"Channel": client.Channel{
			ID: "01998f7c-0d7e-7b52-8f0e-6a1c9d2b3e4f", Kind: "webhook", Name: "Ops",
			Settings:         map[string]any{"url": "https://example.com/overdue", "secret": "••••"},
			NotifyOnRecovery: true, LastDeliveryAt: &deadline, State: "working", FailingFor: []string{},
		},
	}
}

// exampleGroup is the group of the examples.
var exampleGroup = client.Group{
	Number: 482, State: "open", Factor: client.Factor{Kind: "host", Value: "fra1-cron-02"},
	FirstOpenedAt: time.Date(2026, 3, 14, 2, 10, 1, 0, time.UTC), LastOpenedAt: time.Date(2026, 3, 14, 2, 10, 9, 0, time.UTC),
	Incidents: 312, Open: 307, Acknowledged: 2, Resolved: 3,
}
