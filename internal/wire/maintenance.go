package wire

import (
	"time"

	"overdue/client"
	"overdue/internal/monitor"
)

// Maintenance converts a maintenance at now. named are the heartbeats that it names.
func Maintenance(m monitor.Maintenance, named []monitor.Heartbeat, now time.Time) client.Maintenance {
	shown := client.Maintenance{
		ID: m.ID, Reason: m.Reason, All: m.Scope.All, Tags: emptyIfNil(m.Scope.Tags), Heartbeats: []string{}, From: m.From, To: timeOrNil(m.To),
		Duration: secondsOrNil(m.Length), Windows: []client.MaintenanceWindow{}, CreatedAt: m.Created, CreatedBy: m.By,
	}
	for _, h := range named {
		shown.Heartbeats = append(shown.Heartbeats, h.Ref)
	}
	shown.Cron, shown.OnCalendar, shown.Timezone = calendarFields(m.Calendar)
	_, shown.InProgress = m.InProgress(now)
	for _, window := range m.Windows(now, monitor.MutedUntilUnmuted, monitor.MaxPlanned) {
		shown.Windows = append(shown.Windows, client.MaintenanceWindow{From: window.From, To: window.To})
	}
	return shown
}
