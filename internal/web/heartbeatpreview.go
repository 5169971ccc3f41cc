package web

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule"
	"overdue/internal/web/view"
)

// runsPreviewed is how many runs the preview of a form lists in either direction.
const runsPreviewed = 5

// terms are what a form says, read for its preview. What is wrong with it is told
// by package manage; here it only has no preview.
type terms struct {
	schedule                         schedule.Schedule
	grace, longest, shortest, starts time.Duration
	early                            time.Duration // below 0: as usual
	inARow                           int
	firstBy                          time.Time
}

// terms reads a form. It is false while something in it cannot be read.
func (v *visit) terms(f view.HeartbeatForm) (t terms, ok bool) {
	ok = true
	length := func(in view.Input, empty time.Duration) time.Duration {
		if strings.TrimSpace(in.Value) == "" {
			return empty
		}
		d, err := schedule.ParseDuration(in.Value)
		ok = ok && err == nil && in.Error == ""
		return d
	}
	t.grace = length(f.Grace, -1)
	t.longest, t.shortest, t.starts = length(f.MaxRunTime, 0), length(f.MinRunTime, 0), length(f.StartGrace, 0)
	t.early = length(f.Early, -1)
	t.inARow, _ = strconv.Atoi(strings.TrimSpace(f.AlertAfter.Value)) // none is 0, which is 1
	t.firstBy, _ = v.localMoment(f.FirstPing.Value)                   // none is zero, which is never
	var err error
	switch f.Schedule {
	case byCron:
		ok = ok && f.Cron.Error == "" && f.CronZone.Error == ""
		t.schedule, err = schedule.Cron(lines(f.Cron.Value), f.CronZone.Value)
	case byOnCalendar:
		ok = ok && f.OnCalendar.Error == "" && f.OnCalendarZone.Error == ""
		t.schedule, err = schedule.OnCalendar(lines(f.OnCalendar.Value), f.OnCalendarZone.Value)
	default:
		interval := length(f.Interval, 0)
		ok = ok && interval >= time.Second
		t.schedule = schedule.Every(interval)
	}
	return t, ok && err == nil && t.grace >= 0 && f.AlertAfter.Error == "" && f.FirstPing.Error == ""
}

// calendar reports whether runs have fixed times.
func (t terms) calendar() bool { return schedule.Fixed(t.schedule) }

// preview is what the terms mean if a ping came now.
func (t terms) preview(now time.Time) view.Preview {
	o := schedule.Around(t.schedule, now, runsPreviewed)
	p := view.Preview{
		Schedule: o.Words, Zone: o.Zone, Calendar: t.calendar(), Grace: t.grace, InARow: t.inARow, Ping: now,
		Longest: t.longest, Shortest: t.shortest, FirstBy: t.firstBy, Next: o.Next, Previous: o.Previous,
	}
	for _, c := range o.Changes {
		p.Changes = append(p.Changes, c.Sentence())
	}
	if len(o.Next) == 0 {
		return p
	}
	p.Due = o.Next[0]
	p.Alert = t.lastChance(p.Due).Add(t.grace)
	if early := t.earlyBefore(p.Due); p.Calendar && early > 0 {
		p.Early = p.Due.Add(-early)
	}
	if t.starts > 0 && t.starts < t.grace {
		p.StartBy = p.Due.Add(t.starts)
	}
	return p
}

// mostInARow bounds the work for a number that nobody has checked yet.
const mostInARow = 100

// lastChance is the slot whose silence becomes an incident.
func (t terms) lastChance(slot time.Time) time.Time {
	for range min(t.inARow, mostInARow) - 1 {
		next, ok := t.schedule.Next(slot)
		if !ok {
			break
		}
		slot = next
	}
	return slot
}

// mostEarly is the longest early window that a calendar has by itself.
const mostEarly = 5 * time.Minute

// earlyBefore is how long before a slot a ping counts for it.
func (t terms) earlyBefore(slot time.Time) time.Duration {
	if t.early >= 0 {
		return t.early
	}
	window := min(t.grace, mostEarly)
	if before, ok := t.schedule.Prev(slot); ok {
		window = min(window, slot.Sub(before)/4)
	}
	return window
}

// usualEarly says that window as it would be typed.
func (t terms) usualEarly(slot time.Time) string {
	t.early = -1
	return view.Span(t.earlyBefore(slot).Truncate(time.Second))
}
