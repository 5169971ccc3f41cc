package manage

import (
	"fmt"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
)

// How many slots a preview shows in either direction.
const (
	defaultPreviewSlots = 5
	MaxPreviewSlots     = 50
)

// ScheduleQuery is a schedule as it was typed, of which somebody wants to know when
// it would be due. Exactly one of Interval, Cron and OnCalendar is given; nil is
// not given.
type ScheduleQuery struct {
	Interval         *string
	Cron, OnCalendar *[]string
	Timezone         *string // nil: the zone of the project
	After            *string // RFC 3339, as of when; nil: now
	Count            *int    // slots in either direction, nil: 5

	// Found are faults that the face found while reading, as in [HeartbeatEdit].
	Found monitor.Faults
}

// SchedulePreview is what a schedule means.
type SchedulePreview struct {
	schedule.Preview
	Location *time.Location // in which local times are told
	Calendar bool           // it has slots of its own, whatever the pings do
}

// PreviewSchedule says what a schedule means, and every fault of it. Nothing is
// kept. The work grows with lines and slots, both of which are bounded: the costliest
// question takes some 50 ms.
func (d *Service) PreviewSchedule(a auth.Actor, q ScheduleQuery) (p SchedulePreview, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return p, err
	}
	f := &validator{}
	for _, found := range q.Found {
		f.add(found)
	}
	zone := a.Project.Zone
	if q.Timezone != nil {
		zone = *q.Timezone
	}
	zone = f.timeZone("timezone", zone)
	s := f.schedule(q, zone)
	after := f.timeOrDefault("after", q.After, currentTime())
	count := defaultPreviewSlots
	if q.Count != nil {
		if count = *q.Count; count < 1 || count > MaxPreviewSlots {
			f.reject("count", "Ask for 1 to %d slots.", MaxPreviewSlots)
		}
	}
	if err := f.err(); err != nil {
		return p, err
	}
	p.Preview = schedule.NewPreview(s, after, count)
	p.Location, p.Calendar = p.Zone, p.Zone != nil
	if !p.Calendar {
		if p.Location, err = time.LoadLocation(zone); err != nil {
			return p, fmt.Errorf("time zone %s: %w", zone, err)
		}
	}
	return p, nil
}

// schedule reads whichever of the three was given.
func (f *validator) schedule(q ScheduleQuery, zone string) schedule.Schedule {
	given := ""
	for _, m := range []struct {
		name  string
		given bool
	}{{"interval", q.Interval != nil}, {"cron", q.Cron != nil}, {"oncalendar", q.OnCalendar != nil}} {
		switch {
		case m.given && given != "":
			f.reject(m.name, "Give one schedule only: leave out %s or %s.", given, m.name)
		case m.given:
			given = m.name
		}
	}
	switch given {
	case "interval":
		return schedule.Every(f.duration("interval", *q.Interval, minInterval))
	case "cron":
		return f.calendarSchedule("cron", schedule.Cron, *q.Cron, zone)
	case "oncalendar":
		return f.calendarSchedule("oncalendar", schedule.OnCalendar, *q.OnCalendar, zone)
	}
	f.reject("interval", "Write a schedule: an interval such as 24h, or cron or oncalendar.")
	return nil
}

// calendarSchedule reads the lines of a schedule.
func (f *validator) calendarSchedule(field string, read func([]string, string) (schedule.Schedule, error), lines []string, zone string) schedule.Schedule {
	s, err := read(lines, zone)
	if err != nil {
		f.rejectExpression(field, err)
	}
	return s
}

// timeOrDefault reads a time as it was typed.
func (f *validator) timeOrDefault(field string, text *string, otherwise time.Time) time.Time {
	if text == nil {
		return otherwise
	}
	at, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		f.reject(field, "Write a time with its offset, such as 2026-03-14T02:00:00Z.")
	}
	return at.UTC()
}
