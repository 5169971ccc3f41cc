package manage

import (
	"fmt"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
)

// Number of slots that a preview shows in each direction.
const (
	defaultPreviewSlots = 5
	MaxPreviewSlots     = 50
)

// ScheduleQuery is a schedule as typed, to preview. Exactly one of Interval, Cron and
// OnCalendar must be set; nil is not set.
type ScheduleQuery struct {
	Interval         *string
	Cron, OnCalendar *[]string
	Timezone         *string // nil: the zone of the project
	After            *string // RFC 3339; nil: now
	Count            *int    // slots in each direction, nil: 5

	// InputFaults are as in [HeartbeatEdit].
	Found monitor.Faults
}

// SchedulePreview describes a schedule.
type SchedulePreview struct {
	schedule.Preview
	Location *time.Location // zone of the local times
	Calendar bool           // the slots do not depend on pings
}

// PreviewSchedule describes a schedule and its slots, or returns all faults. It stores
// nothing. The work grows with lines and slots, which are both limited: the most expensive
// query takes about 50 ms.
func (svc *Service) PreviewSchedule(a auth.Actor, q ScheduleQuery) (p SchedulePreview, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return p, err
	}
	v := &validator{}
	for _, found := range q.Found {
		v.add(found)
	}
	zone := a.Project.Zone
	if q.Timezone != nil {
		zone = *q.Timezone
	}
	zone = v.timeZone("timezone", zone)
	s := v.schedule(q, zone)
	after := v.timeOrDefault("after", q.After, svc.currentTime())
	count := defaultPreviewSlots
	if q.Count != nil {
		if count = *q.Count; count < 1 || count > MaxPreviewSlots {
			v.reject("count", "count must be between 1 and %d.", MaxPreviewSlots)
		}
	}
	if err := v.err(); err != nil {
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

// schedule parses the schedule that is set.
func (v *validator) schedule(q ScheduleQuery, zone string) schedule.Schedule {
	given := ""
	for _, m := range []struct {
		name  string
		given bool
	}{{"interval", q.Interval != nil}, {"cron", q.Cron != nil}, {"oncalendar", q.OnCalendar != nil}} {
		switch {
		case m.given && given != "":
			v.reject(m.name, "Set only one schedule: omit %s or %s.", given, m.name)
		case m.given:
			given = m.name
		}
	}
	switch given {
	case "interval":
		return schedule.Every(v.duration("interval", *q.Interval, minInterval))
	case "cron":
		return v.calendarSchedule("cron", schedule.Cron, *q.Cron, zone)
	case "oncalendar":
		return v.calendarSchedule("oncalendar", schedule.OnCalendar, *q.OnCalendar, zone)
	}
	v.reject("interval", "A schedule is required: set interval, such as 24h, or cron or oncalendar.")
	return nil
}

// calendarSchedule parses the lines of a calendar.
func (v *validator) calendarSchedule(field string, read func([]string, string) (schedule.Schedule, error), lines []string, zone string) schedule.Schedule {
	s, err := read(lines, zone)
	if err != nil {
		v.rejectExpression(field, err)
	}
	return s
}

// timeOrDefault parses a time as typed.
func (v *validator) timeOrDefault(field string, text *string, otherwise time.Time) time.Time {
	if text == nil {
		return otherwise
	}
	at, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		v.reject(field, "Enter a time with its offset, such as 2026-03-14T02:00:00Z.")
	}
	return at.UTC()
}
