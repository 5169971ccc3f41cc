package manage

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
)

// rule returns the rule with the edit, as of now; zone is the project's.
func (e HeartbeatEdit) rule(r monitor.Rule, zone string, now time.Time, f *faults) monitor.Rule {
	r = e.schedule(r, zone, f)
	if e.Grace != nil {
		r.Grace = f.duration("grace", *e.Grace, 0)
	}
	if e.Early != nil {
		r.Early = monitor.UsualEarly
		if *e.Early != "" {
			r.Early = f.duration("early", *e.Early, 0)
		}
	}
	r.MaxRunTime = f.optional("max_run_time", e.MaxRunTime, r.MaxRunTime)
	r.MinRunTime = f.optional("min_run_time", e.MinRunTime, r.MinRunTime)
	r.StartGrace = f.optional("start_grace", e.StartGrace, r.StartGrace)
	if r.MaxRunTime > 0 && r.MinRunTime >= r.MaxRunTime {
		f.wrong("min_run_time", "Write less than the maximum run time, %s.", schedule.Duration(r.MaxRunTime))
	}
	if e.AlertAfter != nil {
		r.AlertAfter = *e.AlertAfter
		if r.AlertAfter < 1 || r.AlertAfter > monitor.MostTolerated {
			f.wrong("alert_after", "Write a number of bad runs in a row, from 1 to %d.", monitor.MostTolerated)
		}
	}
	if e.ExpectFirstBy != nil {
		r.ExpectFirstBy = f.firstBy(*e.ExpectFirstBy, r.ExpectFirstBy, now)
	}
	if e.Methods != nil {
		r.Methods = monitor.Methods(*e.Methods)
		if r.Methods != monitor.AnyMethod && r.Methods != monitor.PostOnly {
			f.wrong("methods", "Write any, or post to count only POST requests.")
		}
	}
	if e.ManualResume != nil {
		r.ManualResume = *e.ManualResume
	}
	return r
}

// lines are those of a list that was given.
func lines(list *[]string) []string {
	if list == nil {
		return nil
	}
	return *list
}

// schedule returns the rule with the schedule that was given, and no other.
func (e HeartbeatEdit) schedule(r monitor.Rule, zone string, f *faults) monitor.Rule {
	var given []string
	if e.Interval != nil && *e.Interval != "" {
		given = append(given, "interval")
	}
	if len(lines(e.Cron)) > 0 {
		given = append(given, "cron")
	}
	if len(lines(e.OnCalendar)) > 0 {
		given = append(given, "oncalendar")
	}
	if len(given) > 1 {
		f.wrong(given[1], "Give one of interval, cron and oncalendar: %s was given, too.", given[0])
		return r
	}
	switch {
	case len(given) == 0:
		return e.kept(r, zone, f)
	case given[0] == "interval":
		if e.Timezone != nil && *e.Timezone != "" {
			f.wrong("timezone", "An interval knows no time zone: leave it out, or give cron or oncalendar.")
		}
		r.Interval, r.Calendar = f.duration("interval", *e.Interval, shortestInterval), nil
		return r
	case given[0] == "cron":
		return e.calendar(r, monitor.Cron, *e.Cron, zone, f)
	}
	return e.calendar(r, monitor.OnCalendar, *e.OnCalendar, zone, f)
}

// kept returns the rule with the schedule it has, in the time zone that was
// given. It must have one, and an edit cannot take it away.
func (e HeartbeatEdit) kept(r monitor.Rule, zone string, f *faults) monitor.Rule {
	c := r.Calendar
	switch {
	case e.Cron != nil && *e.Cron != nil && (c == nil || c.Kind() == monitor.Cron):
		return e.calendar(r, monitor.Cron, nil, zone, f) // says what to write
	case e.OnCalendar != nil && *e.OnCalendar != nil && (c == nil || c.Kind() == monitor.OnCalendar):
		return e.calendar(r, monitor.OnCalendar, nil, zone, f)
	case c == nil && (r.Interval == 0 || e.Interval != nil):
		f.wrong("interval", "Write the interval in which a ping is expected, such as 24h or 3600.")
	case c != nil && c.Kind() == monitor.Cron && e.Cron != nil, c != nil && c.Kind() == monitor.OnCalendar && e.OnCalendar != nil:
		f.wrong(string(c.Kind()), "A heartbeat needs a schedule: give interval, cron or oncalendar instead.")
	case c == nil && e.Timezone != nil && *e.Timezone != "":
		f.wrong("timezone", "An interval knows no time zone: leave it out, or give cron or oncalendar.")
	case c != nil && e.Timezone != nil:
		return e.calendar(r, c.Kind(), c.Lines(), zone, f)
	}
	return r
}

// calendar returns the rule with a calendar: in the time zone that was given,
// else in the one it had, else in the project's.
func (e HeartbeatEdit) calendar(r monitor.Rule, kind monitor.CalendarKind, lines []string, zone string, f *faults) monitor.Rule {
	if r.Calendar != nil && e.Timezone == nil {
		zone = r.Calendar.Zone()
	}
	if e.Timezone != nil && strings.TrimSpace(*e.Timezone) != "" {
		zone = *e.Timezone
	}
	if _, err := schedule.Zone(zone); err != nil {
		f.problem("timezone", err)
		return r
	}
	c, err := monitor.NewCalendar(kind, lines, zone)
	if err != nil {
		f.problem(string(kind), err)
		return r
	}
	r.Interval, r.Calendar = 0, c
	return r
}

// problem keeps what is wrong with an expression, about its line where it is
// about one.
func (f *faults) problem(field string, err error) {
	problem, ok := errors.AsType[*schedule.Problem](err)
	if !ok {
		f.wrong(field, "Invalid expression: %v.", err)
		return
	}
	if problem.Line > 0 {
		field = fmt.Sprintf("%s[%d]", field, problem.Line-1)
	}
	fault := monitor.Wrong(monitor.Invalid, field, "%s", sentence(problem.Text))
	fault.Suggestions = problem.Suggestions
	f.add(fault)
}

// optional reads a duration that may be none.
func (f *faults) optional(field string, text *string, was time.Duration) time.Duration {
	switch {
	case text == nil:
		return was
	case *text == "":
		return 0
	}
	return f.duration(field, *text, time.Second)
}

// firstBy reads the moment by which the first ping is expected. One that is set
// anew lies ahead.
func (f *faults) firstBy(text string, was, now time.Time) time.Time {
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		f.wrong("expect_first_by", "Write a moment such as 2026-03-14T03:00:00Z.")
		return was
	}
	at = at.UTC().Truncate(monitor.Tick)
	if !at.Equal(was) && !at.After(now) {
		f.wrong("expect_first_by", "Choose a moment that is still to come.")
	}
	return at
}
