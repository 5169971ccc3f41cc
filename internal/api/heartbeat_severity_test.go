package api

import (
	"strings"
	"testing"

	"overdue/client"
	"overdue/internal/monitor"
)

func TestCreateHeartbeat_SeverityIsCriticalByDefault(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		if h := w.heartbeat("Backup"); h.Severity != "critical" {
			t.Errorf("severity %q", h.Severity)
		}
	})
}

func TestChangeHeartbeat_SeverityReachesItsIncidentsAndTheAuditLog(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h := w.heartbeat("Backup")
		c := w.client("read-write")
		changed, err := c.ChangeHeartbeat(t.Context(), *h.ID, client.HeartbeatSettings{Severity: new("warning")})
		if err != nil || changed.Severity != "warning" {
			t.Fatal(changed.Severity, err)
		}
		if entry := w.lastAuditEntry(); entry.Detail != "severity: critical → warning" {
			t.Errorf("audit log: %q", entry.Detail)
		}
		w.ping(h, monitor.Ping{Kind: monitor.PingFail, Method: "POST"})
		incidents, err := c.Incidents(t.Context(), client.IncidentQuery{})
		if err != nil || len(incidents.Items) != 1 || incidents.Items[0].Severity != "warning" {
			t.Errorf("%+v, %v", incidents.Items, err)
		}
	})
}

func TestChangeHeartbeat_AnUnknownSeverityIsRejected(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		h := w.heartbeat("Backup")
		p := problem(t, w.request("read-write", "PATCH", "/api/v1/heartbeats/"+*h.ID, `{"severity": "urgent"}`))
		if p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != "body.severity" || !strings.Contains(p.Errors[0].Message, "critical, warning or info") {
			t.Errorf("%+v", p)
		}
	})
}
