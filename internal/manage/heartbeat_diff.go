package manage

import (
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/schedule"
)

// settingChange is one setting before and after a change, as text.
type settingChange struct{ name, before, after string }

// heartbeatDiff describes the changed settings of a heartbeat for the audit log. It is
// empty if nothing changed.
func heartbeatDiff(before, after monitor.Heartbeat) string {
	return formatDiff(heartbeatSettings(before, after))
}

// maxDiffValue is the maximum length of one value in the audit log, in characters.
const maxDiffValue = 100

// formatDiff formats the values that differ.
func formatDiff(members []settingChange) string {
	var parts []string
	for _, m := range members {
		if m.before != m.after {
			parts = append(parts, m.name+": "+shortenDiffValue(m.before)+" → "+shortenDiffValue(m.after))
		}
	}
	return strings.Join(parts, "; ")
}

// shortenDiffValue shortens a long value, and shows a dash for an empty one.
func shortenDiffValue(text string) string {
	if text == "" {
		return "–"
	}
	return safetext.Shorten(text, maxDiffValue)
}

// formatDuration formats a duration, empty for 0.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return schedule.FormatDuration(d)
}

// formatCalendar formats the lines of a calendar of the given kind.
func formatCalendar(h monitor.Heartbeat, kind monitor.CalendarKind) string {
	if c := h.Rule.Calendar; c != nil && c.Kind() == kind {
		return strings.Join(c.Lines(), "; ")
	}
	return ""
}

// formatZone returns the time zone of a calendar.
func formatZone(h monitor.Heartbeat) string {
	if c := h.Rule.Calendar; c != nil {
		return c.Zone()
	}
	return ""
}

// formatEarly formats the early window, empty for the default.
func formatEarly(h monitor.Heartbeat) string {
	if h.ID == "" || h.Rule.Early < 0 {
		return ""
	}
	return schedule.FormatDuration(h.Rule.Early)
}

// formatTime formats a time, empty for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// formatChannels lists the channels of a heartbeat.
func formatChannels(h monitor.Heartbeat) string {
	if h.AllChannels {
		return "all"
	}
	return strings.Join(h.Channels, ", ")
}
