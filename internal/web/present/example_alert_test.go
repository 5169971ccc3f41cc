package present

import (
	"testing"
	"time"

	"overdue/internal/monitor"
)

func TestExampleAlerts_TheIncidentHasTheStateOfItsEvent(t *testing.T) {
	now := time.Date(2026, 10, 14, 5, 0, 0, 0, time.UTC)
	want := map[string]string{"opened": "open", "reminder": "open", "acknowledged": "acknowledged", "recovered": "resolved", "late": "", "test": ""}
	status := map[string]string{"opened": "down", "reminder": "down", "acknowledged": "down", "recovered": "up"}
	for _, e := range ExampleAlerts(monitor.Project{Name: "Main"}, "ops", time.UTC, "https://overdue.example", now) {
		var state string
		if i := e.Notification.Notice.Incident; i != nil {
			state = string(i.State)
			if h := e.Notification.Notice.Heartbeat; string(h.Status) != status[e.Name] {
				t.Errorf("%s: the heartbeat is %s; want %s", e.Name, h.Status, status[e.Name])
			}
		}
		if state != want[e.Name] {
			t.Errorf("%s: the incident is %q; want %q", e.Name, state, want[e.Name])
		}
	}
}
