package monitor

import (
	"slices"
	"strings"

	"overdue/internal/schedule"
)

// CalendarKind is the language that a calendar is written in. The values are
// the names of its member in the API.
type CalendarKind string

// The languages.
const (
	Cron       CalendarKind = "cron"       // crontab(5)
	OnCalendar CalendarKind = "oncalendar" // systemd.time(7)
)

// Calendar says at which fixed moments runs are expected. It never changes, so
// heartbeats with the same text may share one.
type Calendar struct {
	kind          CalendarKind
	lines         []string
	zone          string // as it was written
	canonicalZone string // the name of the zone today
	schedule      schedule.Schedule
}

// NewCalendar reads lines in the given language, in a time zone ("" is UTC). The
// error is a [*schedule.Problem].
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

// Kind is the language it is written in.
func (c *Calendar) Kind() CalendarKind { return c.kind }

// Lines are its lines, without empty ones.
func (c *Calendar) Lines() []string { return slices.Clone(c.lines) }

// Zone is the name of its time zone as it was written, such as "US/Eastern":
// programs that manage heartbeats compare it with what they sent.
func (c *Calendar) Zone() string { return c.zone }

// CanonicalZone is the name that the tz database uses today for its time zone, such as
// "America/New_York".
func (c *Calendar) CanonicalZone() string { return c.canonicalZone }

// Describe says it in plain words.
func (c *Calendar) Describe() string { return c.schedule.Describe() }

// Equal reports whether two calendars have the same text. Both may be nil.
func (c *Calendar) Equal(other *Calendar) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.kind == other.kind && c.zone == other.zone && slices.Equal(c.lines, other.lines)
}
