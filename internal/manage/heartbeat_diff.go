package manage

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/schedule"
)

// settingChange is one setting before and after, in words.
type settingChange struct{ name, before, after string }

// heartbeatDiff tells what differs between two heartbeats that people can set,
// for the audit log. It is empty when nothing does.
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

// channelDiff is heartbeatDiff for channels. For a secret it shows only that it
// changed; for a destination, only the host, because the path may be a credential.
func channelDiff(before, after monitor.Channel) string {
	members := []settingChange{{"name", before.Name, after.Name}}
	if kind, known := notify.KindOf(after.Kind); known {
		for _, f := range kind.Fields {
			members = append(members, settingDiff(f, before.Settings[f.Name], after.Settings[f.Name]))
		}
	}
	return formatDiff(append(members,
		settingChange{"notify_on_late", strconv.FormatBool(before.NotifyOnLate), strconv.FormatBool(after.NotifyOnLate)},
		settingChange{"notify_on_recovery", strconv.FormatBool(before.NotifyOnRecovery), strconv.FormatBool(after.NotifyOnRecovery)},
		settingChange{"remind_every", formatDuration(before.RemindEvery), formatDuration(after.RemindEvery)},
	))
}

// settingDiff is one setting of a channel before and after.
func settingDiff(f notify.Field, before, after any) settingChange {
	if reflect.DeepEqual(before, after) {
		return settingChange{name: f.Name}
	}
	if f.Destination && !f.Secret {
		from, to := notify.HostOf(before), notify.HostOf(after)
		if from == to {
			to += " (scheme or path changed)"
		}
		return settingChange{f.Name, from, to}
	}
	if f.Secret {
		return settingChange{f.Name, "", "changed"}
	}
	return settingChange{f.Name, formatSetting(before), formatSetting(after)}
}

// formatSetting formats a setting that is not a secret.
func formatSetting(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		var items []string
		for _, item := range value {
			items = append(items, fmt.Sprint(item))
		}
		return strings.Join(items, ", ")
	}
	return ""
}

// maxDiffValue bounds how much of one value the audit log tells, in characters.
const maxDiffValue = 100

// formatDiff writes down what differs.
func formatDiff(members []settingChange) string {
	var parts []string
	for _, m := range members {
		if m.before != m.after {
			parts = append(parts, m.name+": "+shortenDiffValue(m.before)+" → "+shortenDiffValue(m.after))
		}
	}
	return strings.Join(parts, "; ")
}

// shortenDiffValue cuts a long value, and shows an empty one.
func shortenDiffValue(text string) string {
	if text == "" {
		return "–"
	}
	if r := []rune(text); len(r) > maxDiffValue {
		return string(r[:maxDiffValue]) + "…"
	}
	return text
}

// formatDuration says a duration, none for 0.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return schedule.FormatDuration(d)
}

// formatCalendar writes the lines of a calendar in one language.
func formatCalendar(h monitor.Heartbeat, kind monitor.CalendarKind) string {
	if c := h.Rule.Calendar; c != nil && c.Kind() == kind {
		return strings.Join(c.Lines(), "; ")
	}
	return ""
}

// formatZone names the time zone of a calendar.
func formatZone(h monitor.Heartbeat) string {
	if c := h.Rule.Calendar; c != nil {
		return c.Zone()
	}
	return ""
}

// formatEarly says an early window, none where it is as usual.
func formatEarly(h monitor.Heartbeat) string {
	if h.ID == "" || h.Rule.Early < 0 {
		return ""
	}
	return schedule.FormatDuration(h.Rule.Early)
}

// formatTime writes a moment, none for the zero one.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// formatChannels says which channels are told.
func formatChannels(h monitor.Heartbeat) string {
	if h.AllChannels {
		return "all"
	}
	return strings.Join(h.Channels, ", ")
}
