package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// CalendarKind is the language of a calendar. The values are the names of its fields in the API.
type CalendarKind string

// The languages.
const (
	Cron       CalendarKind = "cron"       // crontab(5)
	OnCalendar CalendarKind = "oncalendar" // systemd.time(7)
)

// Calendar lists the fixed times at which runs are expected. It is immutable, so heartbeats with
// the same text can share one.
type Calendar struct {
	kind          CalendarKind
	lines         []string
	zone          string // as the user wrote it
	canonicalZone string // current name of the zone
	schedule      schedule.Schedule
}

// NewCalendar parses lines of the given kind in a time zone ("" means UTC). The error is a
// [*schedule.Problem].
func NewCalendar(kind CalendarKind, lines []string, zone string) (*Calendar, error) {
	read := schedule.Cron
	if kind == OnCalendar {
		read = schedule.OnCalendar
	}
	canonical, err := schedule.CanonicalZone(zone)
	if err != nil {
		return nil, err
	}
	slots, err := read(lines, canonical)
	if err != nil {
		return nil, err
	}
	c := &Calendar{kind: kind, zone: strings.TrimSpace(zone), canonicalZone: canonical, schedule: slots}
	if c.zone == "" {
		c.zone = canonical
	}
	for _, line := range lines {
		if text := strings.Join(strings.Fields(line), " "); text != "" {
			c.lines = append(c.lines, text)
		}
	}
	return c, nil
}

// Kind returns the language of the calendar.
func (c *Calendar) Kind() CalendarKind { return c.kind }

// Lines returns its lines, without empty ones.
func (c *Calendar) Lines() []string { return slices.Clone(c.lines) }

// Zone returns the time zone as the user wrote it, such as "US/Eastern": programs that manage
// heartbeats compare it with what they sent.
func (c *Calendar) Zone() string { return c.zone }

// CanonicalZone returns the current tz database name of the zone, such as "America/New_York".
func (c *Calendar) CanonicalZone() string { return c.canonicalZone }

// Describe returns the schedule in plain words.
func (c *Calendar) Describe() string { return c.schedule.Describe() }

// Equal reports whether two calendars have the same text. Both can be nil.
func (c *Calendar) Equal(other *Calendar) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.kind == other.kind && c.zone == other.zone && slices.Equal(c.lines, other.lines)
}

// Conditions for a hint about the time zone.
const (
	minPingsForHint = 5                // consecutive successes
	hintTolerance   = 10 * time.Minute // deviation from a whole number of hours
	maxZoneOffset   = 14 * time.Hour   // largest UTC offset of any time zone
)

// ZoneHint returns a hint if the pings look as if the calendar had the wrong time zone: all of them
// arrive the same whole number of hours after their slot. successes are the newest ones, in any
// order. It returns "" if nothing looks wrong.
func (r Rule) ZoneHint(successes []Ping) string {
	if r.Calendar == nil || len(successes) < minPingsForHint {
		return ""
	}
	var hours time.Duration
	for i, p := range successes {
		slot, ok := r.Calendar.schedule.Prev(p.At.Add(Precision))
		if !ok {
			return ""
		}
		offset := p.At.Sub(slot)
		whole := offset.Round(time.Hour)
		if i == 0 {
			hours = whole
		}
		next, _ := r.Calendar.schedule.Next(p.At)
		// This close to the next slot, it is probably early for that one.
		if whole != hours || (offset-whole).Abs() > hintTolerance || next.Sub(p.At) < time.Hour {
			return ""
		}
	}
	if hours < time.Hour || hours > maxZoneOffset {
		return ""
	}
	return fmt.Sprintf("Pings arrive about %d h after each slot. Check the time zone %s.", int(hours.Hours()), r.Calendar.zone)
}
