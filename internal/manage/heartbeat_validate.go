package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/schedule"
	"overdue/internal/store"
)

// Bounds of what a heartbeat may hold.
const (
	maxNameLength        = 100  // characters, as of channels and keys
	maxDescriptionLength = 5000 // characters
	maxTags              = 20
	maxTagLength         = 50 // characters
	minInterval          = time.Second
	maxDuration          = 366 * 24 * time.Hour // of every duration here
)

// DefaultGrace is the grace period of a heartbeat that was created without one:
// enough for a slow start, short enough that a miss is told while it matters.
const DefaultGrace = 5 * time.Minute

// HeartbeatEdit is what somebody wants of a heartbeat. What is nil stays as it
// is, or takes its default when creating. Durations are as they were typed, see
// [schedule.ParseDuration]; an empty one is none, or the default where there is
// one.
type HeartbeatEdit struct {
	Name, Slug, Description *string
	Tags                    *[]string

	// Interval, Cron and OnCalendar are the schedule: the one that is given
	// replaces what was there. A list is of lines; a nil list is none.
	Interval         *string
	Cron, OnCalendar *[]string
	Timezone         *string // IANA name; empty: the project's

	Early         *string // empty: as seems right for the schedule
	Grace         *string
	MaxRunTime    *string // empty: the grace period is used
	MinRunTime    *string
	StartGrace    *string
	AlertAfter    *int
	ExpectFirstBy *string // RFC 3339; empty: never
	Methods       *string
	ManualResume  *bool
	Channels      *[]string // a nil list: all of the project

	// IfVersion are versions that the edit may replace, see [HeartbeatVersion]; any when
	// it is empty.
	IfVersion []string

	// InputFaults are faults that the face found while reading: they are told
	// together with those found here.
	InputFaults monitor.Faults
}

// newHeartbeat is a heartbeat before anybody has said anything about it.
func newHeartbeat(project int64, now time.Time) monitor.Heartbeat {
	return monitor.Heartbeat{
		Project: project, Status: monitor.New, AllChannels: true, Created: now, Updated: now,
		Rule: monitor.Rule{Early: monitor.DefaultEarly, Grace: DefaultGrace, AlertAfter: 1, Methods: monitor.AnyMethod},
	}
}

// editContext is what an edit is read by: whose it is, and when.
type editContext struct {
	project  monitor.Project
	channels []monitor.Channel
	now      time.Time
}

// apply returns h with the edit, and every fault of it. The rule of h is the
// new one, but nothing has been judged by it.
func (e HeartbeatEdit) apply(h monitor.Heartbeat, in editContext) (monitor.Heartbeat, *validator) {
	f := &validator{}
	for _, found := range e.InputFaults {
		f.add(found)
	}
	if e.Name != nil {
		h.Name = f.singleLine("name", "name", *e.Name, maxNameLength)
	} else if h.Name == "" {
		f.reject("name", "Write a name of 1 to %d characters.", maxNameLength)
	}
	if e.Slug != nil {
		h.Slug = *e.Slug
		f.slug(h.Slug)
	}
	if e.Description != nil {
		h.Description = f.description(*e.Description)
	}
	if e.Tags != nil {
		h.Tags = f.tags(*e.Tags)
	}
	h.Rule = e.applyRule(h.Rule, in.project.Zone, in.now, f)
	if e.Channels != nil {
		h.AllChannels, h.Channels = *e.Channels == nil, f.channels(*e.Channels, in.channels)
	}
	return h, f
}

// duration reads a duration as it was typed.
func (f *validator) duration(field, text string, shortest time.Duration) time.Duration {
	d, err := schedule.ParseDuration(text)
	if problem, ok := errors.AsType[*schedule.Problem](err); ok {
		f.reject(field, "%s", sentence(problem.Message))
		return 0
	}
	switch {
	case err != nil:
		f.reject(field, "Write a duration, such as 24h or 15 min.")
	case d < shortest:
		f.reject(field, "Write at least %s.", schedule.FormatDuration(shortest))
	case d > maxDuration:
		f.reject(field, "Write at most %s.", schedule.FormatDuration(maxDuration))
	}
	return d
}

// sentence makes a sentence of a clause.
func sentence(clause string) string {
	_, size := utf8.DecodeRuneInString(clause)
	return strings.ToUpper(clause[:size]) + clause[size:] + "."
}

// description checks a longer text.
func (f *validator) description(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case utf8.RuneCountInString(text) > maxDescriptionLength:
		f.reject("description", "The description is longer than %d characters: shorten it.", maxDescriptionLength)
	case !isPrintable(text, "\t\r\n"):
		f.reject("description", "The description may not have control characters: write plain text.")
	}
	return text
}

// tags drops blanks around tags, empty ones and repetitions.
func (f *validator) tags(given []string) []string {
	tags := []string{}
	if len(given) > 10*maxTags { // before looking at each beside each
		f.reject("tags", "Give at most %d tags.", maxTags)
		return tags
	}
	for _, tag := range given {
		tag = strings.Join(strings.Fields(tag), " ")
		if tag == "" || slices.Contains(tags, tag) {
			continue
		}
		if utf8.RuneCountInString(tag) > maxTagLength {
			f.reject("tags", "A tag is longer than %d characters: shorten it.", maxTagLength)
			return tags
		}
		if bad, found := safetext.FirstUnsafe(tag); found {
			f.reject("tags", "A tag contains the character %U, which breaks the line or changes the text direction: remove it.", bad)
			return tags
		}
		tags = append(tags, tag)
	}
	if len(tags) > maxTags {
		f.reject("tags", "Give at most %d tags.", maxTags)
	}
	return tags
}

// channels checks that each one exists in the project.
func (f *validator) channels(ids []string, known []monitor.Channel) []string {
	var list []string
	if len(ids) > maxChannels {
		f.reject("channels", "Give at most %d channels, or null for all of the project.", maxChannels)
		return list
	}
	for _, id := range ids {
		if !slices.ContainsFunc(known, func(c monitor.Channel) bool { return c.ID == id }) {
			f.reject("channels", "There is no channel %q in this project.", id)
		}
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

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

// ValidateHeartbeat returns the heartbeat that an edit would make, and every fault
// of it. Nothing is kept: it is for forms that are being filled in.
func (d *Service) ValidateHeartbeat(ctx context.Context, a auth.Actor, e HeartbeatEdit) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) error {
		channels, err := tx.ChannelRoutes(a.Project.Key)
		if err != nil {
			return err
		}
		var f *validator
		now := currentTime()
		h, f = e.apply(newHeartbeat(a.Project.Key, now), editContext{a.Project, channels, now})
		return f.err()
	})
	return h, err
}
