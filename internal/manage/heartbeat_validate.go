package manage

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"overdue/internal/monitor"
	"overdue/internal/safetext"
	"overdue/internal/schedule"
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
