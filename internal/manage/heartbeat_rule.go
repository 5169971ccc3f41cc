package manage

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
)

// applyRule returns the rule with the edit, as of now; zone is the project's.
func (e HeartbeatEdit) applyRule(r monitor.Rule, zone string, now time.Time, f *validator) monitor.Rule {
	r = e.applySchedule(r, zone, f)
	if e.Grace != nil {
		r.Grace = f.duration("grace", *e.Grace, 0)
	}
	if e.Early != nil {
		r.Early = monitor.DefaultEarly
		if *e.Early != "" {
			r.Early = f.duration("early", *e.Early, 0)
		}
	}
	r.MaxRunTime = f.optionalDuration("max_run_time", e.MaxRunTime, r.MaxRunTime)
	r.MinRunTime = f.optionalDuration("min_run_time", e.MinRunTime, r.MinRunTime)
	r.StartGrace = f.optionalDuration("start_grace", e.StartGrace, r.StartGrace)
	if r.MaxRunTime > 0 && r.MinRunTime >= r.MaxRunTime {
		f.reject("min_run_time", "Write less than the maximum run time, %s.", schedule.FormatDuration(r.MaxRunTime))
	}
	if e.AlertAfter != nil {
		r.AlertAfter = *e.AlertAfter
		if r.AlertAfter < 1 || r.AlertAfter > monitor.MaxAlertAfter {
			f.reject("alert_after", "Write a number of bad runs in a row, from 1 to %d.", monitor.MaxAlertAfter)
		}
	}
	if e.ExpectFirstBy != nil {
		r.ExpectFirstBy = f.expectFirstBy(*e.ExpectFirstBy, r.ExpectFirstBy, now)
	}
	if e.Methods != nil {
		r.Methods = monitor.Methods(*e.Methods)
		if r.Methods != monitor.AnyMethod && r.Methods != monitor.PostOnly {
			f.reject("methods", "Write any, or post to count only POST requests.")
		}
	}
	if e.ManualResume != nil {
		r.ManualResume = *e.ManualResume
	}
	return r
}

// linesOf are those of a list that was given.
func linesOf(list *[]string) []string {
	if list == nil {
		return nil
	}
	return *list
}

// applySchedule returns the rule with the schedule that was given, and no other.
func (e HeartbeatEdit) applySchedule(r monitor.Rule, zone string, f *validator) monitor.Rule {
	var given []string
	if e.Interval != nil && *e.Interval != "" {
		given = append(given, "interval")
	}
	if len(linesOf(e.Cron)) > 0 {
		given = append(given, "cron")
	}
	if len(linesOf(e.OnCalendar)) > 0 {
		given = append(given, "oncalendar")
	}
	if len(given) > 1 {
		f.reject(given[1], "Give one of interval, cron and oncalendar: %s was given, too.", given[0])
		return r
	}
	switch {
	case len(given) == 0:
		return e.keepSchedule(r, zone, f)
	case given[0] == "interval":
		if e.Timezone != nil && *e.Timezone != "" {
			f.reject("timezone", "An interval knows no time zone: leave it out, or give cron or oncalendar.")
		}
		r.Interval, r.Calendar = f.duration("interval", *e.Interval, minInterval), nil
		return r
	case given[0] == "cron":
		return e.applyCalendar(r, monitor.Cron, *e.Cron, zone, f)
	}
	return e.applyCalendar(r, monitor.OnCalendar, *e.OnCalendar, zone, f)
}

// keepSchedule returns the rule with the schedule it has, in the time zone that was
// given. It must have one, and an edit cannot take it away.
func (e HeartbeatEdit) keepSchedule(r monitor.Rule, zone string, f *validator) monitor.Rule {
	c := r.Calendar
	switch {
	case e.Cron != nil && *e.Cron != nil && (c == nil || c.Kind() == monitor.Cron):
		return e.applyCalendar(r, monitor.Cron, nil, zone, f) // says what to write
	case e.OnCalendar != nil && *e.OnCalendar != nil && (c == nil || c.Kind() == monitor.OnCalendar):
		return e.applyCalendar(r, monitor.OnCalendar, nil, zone, f)
	case c == nil && (r.Interval == 0 || e.Interval != nil):
		f.reject("interval", "Write the interval in which a ping is expected, such as 24h or 3600.")
	case c != nil && c.Kind() == monitor.Cron && e.Cron != nil, c != nil && c.Kind() == monitor.OnCalendar && e.OnCalendar != nil:
		f.reject(string(c.Kind()), "A heartbeat needs a schedule: give interval, cron or oncalendar instead.")
	case c == nil && e.Timezone != nil && *e.Timezone != "":
		f.reject("timezone", "An interval knows no time zone: leave it out, or give cron or oncalendar.")
	case c != nil && e.Timezone != nil:
		return e.applyCalendar(r, c.Kind(), c.Lines(), zone, f)
	}
	return r
}

// applyCalendar returns the rule with a calendar: in the time zone that was given,
// else in the one it had, else in the project's.
func (e HeartbeatEdit) applyCalendar(r monitor.Rule, kind monitor.CalendarKind, lines []string, zone string, f *validator) monitor.Rule {
	if r.Calendar != nil && e.Timezone == nil {
		zone = r.Calendar.Zone()
	}
	if e.Timezone != nil && strings.TrimSpace(*e.Timezone) != "" {
		zone = *e.Timezone
	}
	if _, err := schedule.CanonicalZone(zone); err != nil {
		f.rejectExpression("timezone", err)
		return r
	}
	c, err := monitor.NewCalendar(kind, lines, zone)
	if err != nil {
		f.rejectExpression(string(kind), err)
		return r
	}
	r.Interval, r.Calendar = 0, c
	return r
}

// rejectExpression keeps what is wrong with an expression, about its line where it is
// about one.
func (f *validator) rejectExpression(field string, err error) {
	problem, ok := errors.AsType[*schedule.Problem](err)
	if !ok {
		f.reject(field, "Invalid expression: %v.", err)
		return
	}
	if problem.Line > 0 {
		field = fmt.Sprintf("%s[%d]", field, problem.Line-1)
	}
	fault := monitor.Faultf(monitor.Invalid, field, "%s", sentence(problem.Message))
	fault.Suggestions = problem.Suggestions
	f.add(fault)
}

// optionalDuration reads a duration that may be none.
func (f *validator) optionalDuration(field string, text *string, was time.Duration) time.Duration {
	switch {
	case text == nil:
		return was
	case *text == "":
		return 0
	}
	return f.duration(field, *text, time.Second)
}

// expectFirstBy reads the moment by which the first ping is expected. One that is set
// anew lies ahead.
func (f *validator) expectFirstBy(text string, was, now time.Time) time.Time {
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		f.reject("expect_first_by", "Write a moment such as 2026-03-14T03:00:00Z.")
		return was
	}
	at = at.UTC().Truncate(monitor.Precision)
	if !at.Equal(was) && !at.After(now) {
		f.reject("expect_first_by", "Choose a moment that is still to come.")
	}
	return at
}
