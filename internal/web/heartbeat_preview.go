package web

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/view"
)

// previewRuns is how many runs the preview of a form lists in either direction.
const previewRuns = 5

// withPreview is the form with what it would mean beside it. Told is how many
// channels are.
func (v *request) withPreview(f view.HeartbeatForm, told int) (view.HeartbeatForm, view.Preview) {
	r, ok := v.ruleOf(f)
	if !ok {
		return f, view.Preview{}
	}
	p := rulePreview(r, v.now)
	if r.Calendar != nil {
		f.ScheduleText = p.Schedule
		usual := r
		usual.Early = monitor.DefaultEarly
		if !p.Due.IsZero() {
			f.DefaultEarly = view.ExactDuration(usual.EarlyWindow(p.Due).Truncate(time.Second))
		}
	}
	p.Channels, p.SingleChannel = channelCountText(f.SelectedChannelsOnly, told), told == 1
	return f, p
}

// ruleOf is the rule that a form says. It is false while something in it cannot be
// read: what that is, package manage tells, and here there is only no preview.
func (v *request) ruleOf(f view.HeartbeatForm) (r monitor.Rule, ok bool) {
	sound := f.AlertAfter.Error == "" && f.ExpectFirstBy.Error == ""
	length := func(in view.Input, empty time.Duration) time.Duration {
		if strings.TrimSpace(in.Value) == "" {
			return empty
		}
		d, err := schedule.ParseDuration(in.Value)
		sound = sound && err == nil && in.Error == ""
		return d
	}
	r = monitor.Rule{
		Grace: length(f.Grace, -1), MaxRunTime: length(f.MaxRunTime, 0), MinRunTime: length(f.MinRunTime, 0),
		StartGrace: length(f.StartGrace, 0), Early: length(f.Early, monitor.DefaultEarly),
	}
	r.ExpectFirstBy, _ = v.parseLocalTime(f.ExpectFirstBy.Value) // none is zero, which is never
	inARow, _ := strconv.Atoi(strings.TrimSpace(f.AlertAfter.Value))
	r.AlertAfter = max(0, min(inARow, monitor.MaxAlertAfter))
	switch f.Schedule {
	case scheduleCron:
		sound = parseCalendar(&r, monitor.Cron, f.Cron, f.CronZone) && sound
	case scheduleOnCalendar:
		sound = parseCalendar(&r, monitor.OnCalendar, f.OnCalendar, f.OnCalendarZone) && sound
	default:
		r.Interval = length(f.Interval, 0)
		sound = sound && r.Interval >= time.Second
	}
	return r, sound && r.Grace >= 0
}

// parseCalendar reads the lines of a calendar into a rule.
func parseCalendar(r *monitor.Rule, kind monitor.CalendarKind, text, zone view.Input) bool {
	var err error
	r.Calendar, err = monitor.NewCalendar(kind, splitLines(text.Value), zone.Value)
	return err == nil && text.Error == "" && zone.Error == ""
}

// rulePreview is what a rule means if a ping came now.
func rulePreview(r monitor.Rule, now time.Time) view.Preview {
	o := schedule.NewPreview(r.Schedule(), now, previewRuns)
	p := view.Preview{
		Schedule: o.Description, Zone: o.Zone, Calendar: r.Calendar != nil, Grace: r.Grace, AlertAfter: r.AlertAfter, From: now,
		MaxRunTime: r.MaxRunTime, MinRunTime: r.MinRunTime, ExpectFirstBy: r.ExpectFirstBy, Next: o.Next, Previous: o.Previous,
	}
	for _, c := range o.ClockChanges {
		p.ClockChanges = append(p.ClockChanges, c.Describe())
	}
	if len(o.Next) == 0 {
		return p
	}
	p.Due, p.GraceHint = o.Next[0], longGraceHint(o.Next, r.Grace)
	p.Alert, p.StartDeadline = r.AlertingSlot(p.Due).Add(r.Grace), r.StartDeadline(p.Due)
	if early := r.EarlyWindow(p.Due); early > 0 {
		p.EarlyFrom = p.Due.Add(-early)
	}
	return p
}
