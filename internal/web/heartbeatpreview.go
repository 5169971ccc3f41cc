package web

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/view"
)

// runsPreviewed is how many runs the preview of a form lists in either direction.
const runsPreviewed = 5

// explained is the form with what it would mean beside it. Told is how many
// channels are.
func (v *visit) explained(f view.HeartbeatForm, told int) (view.HeartbeatForm, view.Preview) {
	r, ok := v.terms(f)
	if !ok {
		return f, view.Preview{}
	}
	p := preview(r, v.now)
	if r.Calendar != nil {
		f.ReadsAs = p.Schedule
		usual := r
		usual.Early = monitor.UsualEarly
		if !p.Due.IsZero() {
			f.UsualEarly = view.Span(usual.EarlyBefore(p.Due).Truncate(time.Second))
		}
	}
	p.Channels, p.OneTold = whoIsTold(f.OnlySome, told), told == 1
	return f, p
}

// terms is the rule that a form says. It is false while something in it cannot be
// read: what that is, package manage tells, and here there is only no preview.
func (v *visit) terms(f view.HeartbeatForm) (r monitor.Rule, ok bool) {
	sound := f.AlertAfter.Error == "" && f.FirstPing.Error == ""
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
		StartGrace: length(f.StartGrace, 0), Early: length(f.Early, monitor.UsualEarly),
	}
	r.ExpectFirstBy, _ = v.localMoment(f.FirstPing.Value) // none is zero, which is never
	inARow, _ := strconv.Atoi(strings.TrimSpace(f.AlertAfter.Value))
	r.AlertAfter = max(0, min(inARow, monitor.MostTolerated))
	switch f.Schedule {
	case byCron:
		sound = calendar(&r, monitor.Cron, f.Cron, f.CronZone) && sound
	case byOnCalendar:
		sound = calendar(&r, monitor.OnCalendar, f.OnCalendar, f.OnCalendarZone) && sound
	default:
		r.Interval = length(f.Interval, 0)
		sound = sound && r.Interval >= time.Second
	}
	return r, sound && r.Grace >= 0
}

// calendar reads the lines of a calendar into a rule.
func calendar(r *monitor.Rule, kind monitor.CalendarKind, text, zone view.Input) bool {
	var err error
	r.Calendar, err = monitor.NewCalendar(kind, lines(text.Value), zone.Value)
	return err == nil && text.Error == "" && zone.Error == ""
}

// preview is what a rule means if a ping came now.
func preview(r monitor.Rule, now time.Time) view.Preview {
	o := schedule.Around(r.Schedule(), now, runsPreviewed)
	p := view.Preview{
		Schedule: o.Words, Zone: o.Zone, Calendar: r.Calendar != nil, Grace: r.Grace, InARow: r.AlertAfter, Ping: now,
		Longest: r.MaxRunTime, Shortest: r.MinRunTime, FirstBy: r.ExpectFirstBy, Next: o.Next, Previous: o.Previous,
	}
	for _, c := range o.Changes {
		p.Changes = append(p.Changes, c.Sentence())
	}
	if len(o.Next) == 0 {
		return p
	}
	p.Due, p.Patience = o.Next[0], patience(o.Next, r.Grace)
	p.Alert, p.StartBy = r.LastChance(p.Due).Add(r.Grace), r.StartBy(p.Due)
	if early := r.EarlyBefore(p.Due); early > 0 {
		p.Early = p.Due.Add(-early)
	}
	return p
}
