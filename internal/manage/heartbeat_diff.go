package manage

import (
	"slices"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/schedule"
)

// settingChange is one setting before and after a change, as text.
type settingChange struct{ name, before, after string }

// heartbeatDiff describes the changed settings of a heartbeat for the audit log. It is
// empty if nothing changed. channels has the channels that the heartbeat can name.
func heartbeatDiff(before, after monitor.Heartbeat, channels []monitor.Channel) string {
	return formatDiff(heartbeatSettings(withChannelNames(before, channels), withChannelNames(after, channels)))
}

// heartbeatSummary describes the settings of a new heartbeat for the audit log.
func heartbeatSummary(h monitor.Heartbeat, channels []monitor.Channel) string {
	var parts []string
	for _, m := range heartbeatSettings(monitor.Heartbeat{}, withChannelNames(h, channels)) {
		if m.before != m.after {
			parts = append(parts, m.name+": "+shortenDiffValue(m.after))
		}
	}
	return strings.Join(parts, "; ")
}

// withChannelNames returns h with the names of its channels instead of their ids.
func withChannelNames(h monitor.Heartbeat, channels []monitor.Channel) monitor.Heartbeat {
	names := make([]string, len(h.Channels))
	for i, id := range h.Channels {
		names[i] = id
		if n := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.ID == id }); n >= 0 {
			names[i] = channels[n].Name
		}
	}
	h.Channels = names
	return h
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

// formatGrace formats the grace period, which is 0 if pings must not be late.
func formatGrace(h monitor.Heartbeat) string {
	if h.ID == "" {
		return ""
	}
	return schedule.FormatDuration(h.Rule.Grace)
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
