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

// Limits of the settings of a heartbeat.
const (
	maxNameLength        = 100  // characters, also of channels and keys
	maxDescriptionLength = 5000 // characters
	maxTags              = 20
	maxTagLength         = 50 // characters
	minInterval          = time.Second
	maxDuration          = 366 * 24 * time.Hour // of every duration here
)

// editContext is the context in which an edit is validated.
type editContext struct {
	project  monitor.Project
	channels []monitor.Channel
	policies []monitor.Policy
	now      time.Time
}

// newEditContext reads the context of an edit. If the edit names a policy, the policies cannot change
// until the transaction ends.
func newEditContext(tx *store.Tx, a auth.Actor, e HeartbeatEdit, now time.Time) (in editContext, err error) {
	in.project, in.now = a.Project, now
	if in.channels, err = tx.ChannelRoutes(a.Project.Key); err != nil || e.Policy == nil || *e.Policy == "" {
		return in, err
	}
	in.policies, err = tx.LockPolicies(a.Project.Key)
	return in, err
}

// applyPolicy sets the policy of the edit. Channels and a policy together would have two meanings, so
// that is a fault, which names the one to remove.
func (e HeartbeatEdit) applyPolicy(h *monitor.Heartbeat, policies []monitor.Policy, v *validator) {
	if e.Policy != nil {
		h.Policy = *e.Policy
		if h.Policy != "" && !slices.ContainsFunc(policies, func(p monitor.Policy) bool { return p.Slug == h.Policy }) {
			v.reject("policy", "No policy of the project has the slug %s.", safetext.Shorten(h.Policy, maxSlugLength))
			return
		}
	}
	switch {
	case h.AllChannels || h.Policy == "":
	case e.Policy != nil && *e.Policy != "":
		v.reject("policy", "The heartbeat names channels, and a policy would have no effect: set channels to null, or remove the policy.")
	default:
		v.reject("channels", "The heartbeat names the policy %s, which would have no effect: set policy to null, or remove the channels.", h.Policy)
	}
}

// apply returns h with the values of the edit, and all faults. The heartbeat has the new
// rule, but was not evaluated by it.
func (e HeartbeatEdit) apply(h monitor.Heartbeat, in editContext) (monitor.Heartbeat, *validator) {
	v := &validator{}
	for _, found := range e.InputFaults {
		v.add(found)
	}
	if e.Name != nil {
		h.Name = v.singleLine("name", "name", *e.Name, maxNameLength)
	} else if h.Name == "" {
		v.reject("name", "Enter a name of 1 to %d characters.", maxNameLength)
	}
	if e.Slug != nil {
		h.Slug = *e.Slug
		v.slug(h.Slug)
	}
	if e.Description != nil {
		h.Description = v.description(*e.Description)
	}
	if e.Tags != nil {
		h.Tags = v.tags(*e.Tags)
	}
	h.Rule = e.applyRule(h.Rule, in.project.Zone, in.now, v)
	e.applyChoices(&h, v)
	if e.Channels != nil {
		h.AllChannels, h.Channels = *e.Channels == nil, v.channels(*e.Channels, in.channels)
	}
	e.applyPolicy(&h, in.policies, v)
	return h, v
}

// duration parses a duration as typed.
func (v *validator) duration(field, text string, shortest time.Duration) time.Duration {
	d, err := schedule.ParseDuration(text)
	if problem, ok := errors.AsType[*schedule.Problem](err); ok {
		v.reject(field, "%s", safetext.Sentence(problem.Message))
		return 0
	}
	switch {
	case err != nil:
		v.reject(field, "Enter a duration, such as 24h or 15 min.")
	case d < shortest:
		v.reject(field, "The minimum is %s.", schedule.FormatDuration(shortest))
	case d > maxDuration:
		v.reject(field, "The maximum is %s.", schedule.FormatDuration(maxDuration))
	}
	return d
}

// description validates a text of several lines.
func (v *validator) description(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case utf8.RuneCountInString(text) > maxDescriptionLength:
		v.reject("description", "The description is longer than %d characters: shorten it.", maxDescriptionLength)
	case !isPrintable(text, "\t\r\n"):
		v.reject("description", "The description contains a control character: use plain text.")
	}
	return text
}

// tags removes blanks around tags, empty tags and duplicates.
func (v *validator) tags(given []string) []string {
	tags := []string{}
	if len(given) > 10*maxTags { // limits the comparison of all pairs
		v.reject("tags", "The maximum is %d tags: remove some.", maxTags)
		return tags
	}
	for _, tag := range given {
		tag = strings.Join(strings.Fields(tag), " ")
		if tag == "" || slices.Contains(tags, tag) {
			continue
		}
		if utf8.RuneCountInString(tag) > maxTagLength {
			v.reject("tags", "A tag is longer than %d characters: shorten it.", maxTagLength)
			return tags
		}
		if bad, found := safetext.FirstUnsafe(tag); found {
			v.reject("tags", "A tag contains the character %U, which breaks the line or changes the text direction: remove it.", bad)
			return tags
		}
		if strings.Contains(tag, ",") {
			v.reject("tags", "A tag contains a comma, which separates tags in forms: write two tags, or leave the comma out.")
			return tags
		}
		tags = append(tags, tag)
	}
	if len(tags) > maxTags {
		v.reject("tags", "The maximum is %d tags: remove some.", maxTags)
	}
	return tags
}

// channels checks that each channel exists in the project.
func (v *validator) channels(ids []string, known []monitor.Channel) []string {
	var list []string
	if len(ids) > maxChannels {
		v.reject("channels", "The maximum is %d channels: remove some, or use null for all channels of the project.", maxChannels)
		return list
	}
	for _, id := range ids {
		if !slices.ContainsFunc(known, func(c monitor.Channel) bool { return c.ID == id }) {
			v.reject("channels", "There is no channel %q in this project: use the id of an existing one.", id)
		}
		if !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// applyRule returns the rule with the values of the edit, as of now; zone is the one of the
// project.
func (e HeartbeatEdit) applyRule(r monitor.Rule, zone string, now time.Time, v *validator) monitor.Rule {
	r = e.applySchedule(r, zone, v)
	if e.Grace != nil {
		r.Grace = v.duration("grace", *e.Grace, 0)
	}
	if e.Early != nil {
		r.Early = monitor.DefaultEarly
		if *e.Early != "" {
			r.Early = v.duration("early", *e.Early, 0)
		}
	}
	r.MaxRunTime = v.optionalDuration("max_run_time", e.MaxRunTime, r.MaxRunTime)
	r.MinRunTime = v.optionalDuration("min_run_time", e.MinRunTime, r.MinRunTime)
	r.StartGrace = v.optionalDuration("start_grace", e.StartGrace, r.StartGrace)
	if r.MaxRunTime > 0 && r.MinRunTime >= r.MaxRunTime {
		v.reject("min_run_time", "The minimum run time must be less than the maximum run time, %s.", schedule.FormatDuration(r.MaxRunTime))
	}
	if e.AlertAfter != nil {
		r.AlertAfter = *e.AlertAfter
		if r.AlertAfter < 1 || r.AlertAfter > monitor.MaxAlertAfter {
			v.reject("alert_after", "alert_after must be between 1 and %d consecutive failed runs.", monitor.MaxAlertAfter)
		}
	}
	if e.Instances != nil {
		r.Instances = v.instances(*e.Instances)
	}
	v.instancesRule(r)
	if e.ExpectFirstBy != nil {
		r.ExpectFirstBy = v.expectFirstBy(*e.ExpectFirstBy, r.ExpectFirstBy, now)
	}
	if e.ManualResume != nil {
		r.ManualResume = *e.ManualResume
	}
	return r
}

// linesOf returns the lines of a list that may be nil.
func linesOf(list *[]string) []string {
	if list == nil {
		return nil
	}
	return *list
}

// applySchedule returns the rule with the schedule of the edit. Setting more than one
// schedule is a fault.
func (e HeartbeatEdit) applySchedule(r monitor.Rule, zone string, v *validator) monitor.Rule {
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
		v.reject(given[1], "Set only one of interval, cron and oncalendar: %s is set, too.", given[0])
		return r
	}
	switch {
	case len(given) == 0:
		return e.keepSchedule(r, zone, v)
	case given[0] == "interval":
		if e.Timezone != nil && *e.Timezone != "" {
			v.reject("timezone", "An interval has no time zone: omit timezone, or use cron or oncalendar.")
		}
		r.Interval, r.Calendar = v.duration("interval", *e.Interval, minInterval), nil
		return r
	case given[0] == "cron":
		return e.applyCalendar(r, monitor.Cron, *e.Cron, zone, v)
	}
	return e.applyCalendar(r, monitor.OnCalendar, *e.OnCalendar, zone, v)
}

// keepSchedule returns the rule with its current schedule in the time zone of the edit. An
// edit cannot remove the schedule.
func (e HeartbeatEdit) keepSchedule(r monitor.Rule, zone string, v *validator) monitor.Rule {
	c := r.Calendar
	switch {
	case e.Cron != nil && *e.Cron != nil && (c == nil || c.Kind() == monitor.Cron):
		return e.applyCalendar(r, monitor.Cron, nil, zone, v) // the fault says what to write
	case e.OnCalendar != nil && *e.OnCalendar != nil && (c == nil || c.Kind() == monitor.OnCalendar):
		return e.applyCalendar(r, monitor.OnCalendar, nil, zone, v)
	case c == nil && (r.Interval == 0 || e.Interval != nil):
		v.reject("interval", "A schedule is required: enter the interval between pings, such as 24h, or use cron or oncalendar.")
	case c != nil && c.Kind() == monitor.Cron && e.Cron != nil, c != nil && c.Kind() == monitor.OnCalendar && e.OnCalendar != nil:
		v.reject(string(c.Kind()), "A schedule is required: set interval, cron or oncalendar.")
	case c == nil && e.Timezone != nil && *e.Timezone != "":
		v.reject("timezone", "An interval has no time zone: omit timezone, or use cron or oncalendar.")
	case c != nil && e.Timezone != nil:
		return e.applyCalendar(r, c.Kind(), c.Lines(), zone, v)
	}
	return r
}

// applyCalendar returns the rule with a calendar in the time zone of the edit. The default
// is the current zone, or the one of the project.
func (e HeartbeatEdit) applyCalendar(r monitor.Rule, kind monitor.CalendarKind, lines []string, zone string, v *validator) monitor.Rule {
	if r.Calendar != nil && e.Timezone == nil {
		zone = r.Calendar.Zone()
	}
	if e.Timezone != nil && strings.TrimSpace(*e.Timezone) != "" {
		zone = *e.Timezone
	}
	if _, err := schedule.CanonicalZone(zone); err != nil {
		v.rejectExpression("timezone", err)
		return r
	}
	c, err := monitor.NewCalendar(kind, lines, zone)
	if err != nil {
		v.rejectExpression(string(kind), err)
		return r
	}
	r.Interval, r.Calendar = 0, c
	return r
}

// rejectExpression adds the fault of an expression. If the parser names a line, the field
// contains its index.
func (v *validator) rejectExpression(field string, err error) {
	problem, ok := errors.AsType[*schedule.Problem](err)
	if !ok {
		v.reject(field, "Invalid expression: %v.", err)
		return
	}
	if problem.Line > 0 {
		field = fmt.Sprintf("%s[%d]", field, problem.Line-1)
	}
	fault := monitor.Faultf(monitor.Invalid, field, "%s", safetext.Sentence(problem.Message))
	fault.Suggestions = problem.Suggestions
	v.add(fault)
}

// optionalDuration parses a duration that can be removed.
func (v *validator) optionalDuration(field string, text *string, was time.Duration) time.Duration {
	switch {
	case text == nil:
		return was
	case *text == "":
		return 0
	}
	return v.duration(field, *text, time.Second)
}

// expectFirstBy parses the time by which the first ping is expected. A new value must be in
// the future.
func (v *validator) expectFirstBy(text string, was, now time.Time) time.Time {
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		v.reject("expect_first_by", "Enter a time such as 2026-03-14T03:00:00Z.")
		return was
	}
	at = at.UTC().Truncate(monitor.Precision)
	if !at.Equal(was) && !at.After(now) {
		v.reject("expect_first_by", "The time has passed: enter one in the future.")
	}
	return at
}

// ValidateHeartbeat returns the heartbeat that an edit would create, and all its faults. It
// stores nothing. Forms use it while they are filled in.
func (svc *Service) ValidateHeartbeat(ctx context.Context, a auth.Actor, e HeartbeatEdit) (h monitor.Heartbeat, err error) {
	if err := authorize(a, auth.ChangeHeartbeats); err != nil {
		return h, err
	}
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		var f *validator
		in := editContext{project: a.Project, now: svc.currentTime()}
		who, err := audience(tx, a.Project.Key)
		if err != nil {
			return err
		}
		in.channels, in.policies = who.Channels, who.Policies
		h, f = e.apply(newHeartbeat(a.Project.Key, in.now), in)
		return f.err()
	})
	return h, err
}
