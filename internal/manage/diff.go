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

// member is one setting before and after, in words.
type member struct{ name, before, after string }

// heartbeatDiff tells what differs between two heartbeats that people can set,
// for the audit log. It is empty when nothing does.
func heartbeatDiff(before, after monitor.Heartbeat) string {
	return told(heartbeatMembers(before, after))
}

// heartbeatMembers are all settings of two heartbeats, in words.
func heartbeatMembers(before, after monitor.Heartbeat) []member {
	return []member{
		{"name", before.Name, after.Name},
		{"slug", before.Slug, after.Slug},
		{"description", before.Description, after.Description},
		{"tags", strings.Join(before.Tags, ", "), strings.Join(after.Tags, ", ")},
		{"interval", length(before.Rule.Interval), length(after.Rule.Interval)},
		{"cron", calendarOf(before, monitor.Cron), calendarOf(after, monitor.Cron)},
		{"oncalendar", calendarOf(before, monitor.OnCalendar), calendarOf(after, monitor.OnCalendar)},
		{"timezone", zoneOf(before), zoneOf(after)},
		{"early", earlyOf(before), earlyOf(after)},
		{"grace", length(before.Rule.Grace), length(after.Rule.Grace)},
		{"max_run_time", length(before.Rule.MaxRunTime), length(after.Rule.MaxRunTime)},
		{"min_run_time", length(before.Rule.MinRunTime), length(after.Rule.MinRunTime)},
		{"start_grace", length(before.Rule.StartGrace), length(after.Rule.StartGrace)},
		{"alert_after", strconv.Itoa(max(before.Rule.AlertAfter, 1)), strconv.Itoa(max(after.Rule.AlertAfter, 1))},
		{"expect_first_by", momentOf(before.Rule.ExpectFirstBy), momentOf(after.Rule.ExpectFirstBy)},
		{"methods", string(before.Rule.Methods), string(after.Rule.Methods)},
		{"manual_resume", strconv.FormatBool(before.Rule.ManualResume), strconv.FormatBool(after.Rule.ManualResume)},
		{"channels", routing(before), routing(after)},
	}
}

// channelDiff is heartbeatDiff for channels. For a secret it shows only that it
// changed; for a destination, only the host, because the path may be a credential.
func channelDiff(before, after monitor.Channel) string {
	members := []member{{"name", before.Name, after.Name}}
	if kind, known := notify.KindOf(after.Kind); known {
		for _, f := range kind.Fields {
			members = append(members, settingDiff(f, before.Settings[f.Name], after.Settings[f.Name]))
		}
	}
	return told(append(members,
		member{"notify_on_late", strconv.FormatBool(before.TellLate), strconv.FormatBool(after.TellLate)},
		member{"notify_on_recovery", strconv.FormatBool(before.TellRecovered), strconv.FormatBool(after.TellRecovered)},
		member{"remind_every", length(before.RemindEvery), length(after.RemindEvery)},
	))
}

// settingDiff is one setting of a channel before and after.
func settingDiff(f notify.Field, before, after any) member {
	if reflect.DeepEqual(before, after) {
		return member{name: f.Name}
	}
	if f.Destination && !f.Secret {
		from, to := notify.HostOf(before), notify.HostOf(after)
		if from == to {
			to += " (scheme or path changed)"
		}
		return member{f.Name, from, to}
	}
	if f.Secret {
		return member{f.Name, "", "changed"}
	}
	return member{f.Name, plainSetting(before), plainSetting(after)}
}

// plainSetting formats a setting that is not a secret.
func plainSetting(value any) string {
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

// mostTold bounds how much of one value the audit log tells, in characters.
const mostTold = 100

// told writes down what differs.
func told(members []member) string {
	var parts []string
	for _, m := range members {
		if m.before != m.after {
			parts = append(parts, m.name+": "+short(m.before)+" → "+short(m.after))
		}
	}
	return strings.Join(parts, "; ")
}

// short cuts a long value, and shows an empty one.
func short(text string) string {
	if text == "" {
		return "–"
	}
	if r := []rune(text); len(r) > mostTold {
		return string(r[:mostTold]) + "…"
	}
	return text
}

// length says a duration, none for 0.
func length(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return schedule.Duration(d)
}

// calendarOf writes the lines of a calendar in one language.
func calendarOf(h monitor.Heartbeat, kind monitor.CalendarKind) string {
	if c := h.Rule.Calendar; c != nil && c.Kind() == kind {
		return strings.Join(c.Lines(), "; ")
	}
	return ""
}

// zoneOf names the time zone of a calendar.
func zoneOf(h monitor.Heartbeat) string {
	if c := h.Rule.Calendar; c != nil {
		return c.Zone()
	}
	return ""
}

// earlyOf says an early window, none where it is as usual.
func earlyOf(h monitor.Heartbeat) string {
	if h.ID == "" || h.Rule.Early < 0 {
		return ""
	}
	return schedule.Duration(h.Rule.Early)
}

// momentOf writes a moment, none for the zero one.
func momentOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// routing says which channels are told.
func routing(h monitor.Heartbeat) string {
	if h.AllChannels {
		return "all"
	}
	return strings.Join(h.Channels, ", ")
}
