package manage

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
)

// settingChange is one setting before and after a change, as text.
type settingChange struct{ name, before, after string }

// heartbeatDiff describes the changed settings of a heartbeat for the audit log. It is
// empty if nothing changed.
func heartbeatDiff(before, after monitor.Heartbeat) string {
	return formatDiff(heartbeatSettings(before, after))
}

// heartbeatSettings are all settings of two heartbeats, in words.
func heartbeatSettings(before, after monitor.Heartbeat) []settingChange {
	return []settingChange{
		{"name", before.Name, after.Name},
		{"slug", before.Slug, after.Slug},
		{"description", before.Description, after.Description},
		{"tags", strings.Join(before.Tags, ", "), strings.Join(after.Tags, ", ")},
		{"interval", formatDuration(before.Rule.Interval), formatDuration(after.Rule.Interval)},
		{"cron", formatCalendar(before, monitor.Cron), formatCalendar(after, monitor.Cron)},
		{"oncalendar", formatCalendar(before, monitor.OnCalendar), formatCalendar(after, monitor.OnCalendar)},
		{"timezone", formatZone(before), formatZone(after)},
		{"early", formatEarly(before), formatEarly(after)},
		{"grace", formatDuration(before.Rule.Grace), formatDuration(after.Rule.Grace)},
		{"max_run_time", formatDuration(before.Rule.MaxRunTime), formatDuration(after.Rule.MaxRunTime)},
		{"min_run_time", formatDuration(before.Rule.MinRunTime), formatDuration(after.Rule.MinRunTime)},
		{"start_grace", formatDuration(before.Rule.StartGrace), formatDuration(after.Rule.StartGrace)},
		{"alert_after", strconv.Itoa(max(before.Rule.AlertAfter, 1)), strconv.Itoa(max(after.Rule.AlertAfter, 1))},
		{"expect_first_by", formatTime(before.Rule.ExpectFirstBy), formatTime(after.Rule.ExpectFirstBy)},
		{"methods", string(before.Rule.Methods), string(after.Rule.Methods)},
		{"manual_resume", strconv.FormatBool(before.Rule.ManualResume), strconv.FormatBool(after.Rule.ManualResume)},
		{"channels", formatChannels(before), formatChannels(after)},
	}
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
	if r := []rune(text); len(r) > maxDiffValue {
		return string(r[:maxDiffValue]) + "…"
	}
	return text
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
