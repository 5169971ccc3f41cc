package present

import (
	"slices"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/snippet"
	"overdue/internal/web/view/heartbeatview"
)

// TallyTotal returns the number of heartbeats of a project.
func TallyTotal(t manage.StatusCounts) (n int) {
	for _, of := range t.ByStatus {
		n += of
	}
	return n
}

// StatusCounts returns the counts of the list.
func StatusCounts(t manage.StatusCounts) heartbeatview.StatusCounts {
	return heartbeatview.StatusCounts{
		All: TallyTotal(t), Down: t.ByStatus[monitor.Down], Late: t.ByStatus[monitor.Late], New: t.ByStatus[monitor.New],
		Up: t.ByStatus[monitor.Up], Paused: t.ByStatus[monitor.Paused], Running: t.Running,
	}
}

// HeartbeatKey returns the identifier of a heartbeat in paths: its id for people
// who may ping, and otherwise its ref.
func HeartbeatKey(h monitor.Heartbeat) string {
	if h.ID != "" {
		return h.ID
	}
	return h.Ref
}

// RuleZone returns the time zone of a rule, or nil for an interval.
func RuleZone(r monitor.Rule) *time.Location {
	if r.Calendar == nil {
		return nil
	}
	zone, err := time.LoadLocation(r.Calendar.CanonicalZone())
	if err != nil {
		return time.UTC // does not happen: the calendar was parsed with this zone
	}
	return zone
}

// SnippetSchedule returns the schedule for the snippets.
func SnippetSchedule(r monitor.Rule) snippet.Schedule {
	switch {
	case r.Calendar == nil:
		return snippet.Schedule{Interval: r.Interval}
	case r.Calendar.Kind() == monitor.OnCalendar:
		return snippet.Schedule{OnCalendar: r.Calendar.Lines(), Zone: r.Calendar.CanonicalZone()}
	default:
		return snippet.Schedule{Cron: r.Calendar.Lines(), Zone: r.Calendar.CanonicalZone()}
	}
}

// AddNotified adds who was notified that an incident opened. A channel with several
// recipients counts once.
func AddNotified(i *heartbeatview.OpenIncident, deliveries []manage.Delivery, channels []monitor.Channel) {
	names := map[string]string{}
	for _, c := range channels {
		names[c.ID] = c.Name
	}
	add := func(list []string, name string) []string {
		if name == "" || slices.Contains(list, name) {
			return list
		}
		return append(list, name)
	}
	for _, d := range deliveries {
		if d.Event != monitor.IncidentOpened {
			continue
		}
		switch name := names[d.Channel]; d.State {
		case monitor.AlertSent:
			i.Notified = add(i.Notified, name)
			if n := len(d.AttemptLog); n > 0 && (i.NotifiedAt.IsZero() || d.AttemptLog[n-1].At.Before(i.NotifiedAt)) {
				i.NotifiedAt = d.AttemptLog[n-1].At
			}
		case monitor.AlertPending:
			i.Pending = add(i.Pending, name)
		default:
			i.NotDelivered = add(i.NotDelivered, name)
		}
	}
}

// ChannelNames returns the names of the channels that a heartbeat alerts, or nil
// for all.
func ChannelNames(h monitor.Heartbeat, channels []monitor.Channel) []string {
	if h.AllChannels {
		return nil
	}
	var names []string
	for _, c := range channels {
		if h.RoutesTo(c) {
			names = append(names, c.Name)
		}
	}
	return names
}

// pingFlagTexts are the texts of the flags of a ping.
var pingFlagTexts = map[string]string{
	"body_truncated": "body truncated", "body_timeout": "body truncated: it took too long", "body_aborted": "connection lost during the body",
	"run_finished": "its run had already finished", "delayed": "received while the server was suspended",
}

// PingFlagTexts returns the texts of the flags that are set.
func PingFlagTexts(f monitor.PingFlags) []string {
	var texts []string
	for _, name := range f.Names() {
		texts = append(texts, pingFlagTexts[name])
	}
	return texts
}

// PrintableText returns a body with its control characters replaced.
func PrintableText(body []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(string(body), "\uFFFD"), "\r\n", "\n"))
}
