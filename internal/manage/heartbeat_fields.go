package manage

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
)

// FieldType is the form of a value.
type FieldType string

// The types of fields.
const (
	FieldText     FieldType = "text"     // one line
	FieldLongText FieldType = "longtext" // several lines
	FieldTags     FieldType = "tags"     // a list of short texts
	FieldDuration FieldType = "duration"
	FieldLines    FieldType = "lines" // schedule expressions, one a line
	FieldNumber   FieldType = "number"
	FieldTime     FieldType = "time"
	FieldChoice   FieldType = "choice" // one of Options
	FieldSwitch   FieldType = "switch"
	FieldChannels FieldType = "channels" // ids; null: all of the project
)

// Option is one value of a choice.
type Option struct{ Value, Label string }

// HeartbeatField describes one setting of a heartbeat. The API and its document, the form, the
// command line, the audit log and the version of a heartbeat are derived from [HeartbeatFields]. A
// new field needs an entry there and a member of [HeartbeatEdit].
type HeartbeatField struct {
	Name     string // of the JSON member and of the form control
	Label    string // for people
	Type     FieldType
	Help     string   // for the OpenAPI document, and so for the API reference of the manual
	Nullable bool     // null sets the default
	Options  []Option // of a choice, the default first
	Select   bool     // the form shows the choice as a list
	Min, Max int      // of a number, or of the length of a text or list; 0: none
	Pattern  string   // of a text
	Flag     string   // help of the flag of the command line; empty: no flag, or one with its own rules

	member func(*HeartbeatEdit) any         // pointer to the member of an edit
	format func(monitor.Heartbeat) string   // for the audit log and the version
	choice func(*monitor.Heartbeat, string) // sets the value of a choice
}

// HeartbeatFields are the settings of a heartbeat, in the order of the audit log.
var HeartbeatFields = []HeartbeatField{
	{
		Name: "name", Label: "Name", Type: FieldText, Min: 1, Max: maxNameLength,
		Help:   "Name for people. Required in a new heartbeat, except with PUT, where the slug is the default",
		member: func(e *HeartbeatEdit) any { return &e.Name },
		format: func(h monitor.Heartbeat) string { return h.Name },
	},
	{
		Name: "slug", Label: "Slug", Type: FieldText, Max: maxSlugLength, Pattern: slugPattern.String(),
		Help:   "Unique in the project. Default: generated from the name",
		member: func(e *HeartbeatEdit) any { return &e.Slug },
		format: func(h monitor.Heartbeat) string { return h.Slug },
	},
	{
		Name: "description", Label: "Description", Type: FieldLongText, Max: maxDescriptionLength,
		Help:   "For example: the machine, the owner, and what to do if the job fails. Alerts contain the description",
		member: func(e *HeartbeatEdit) any { return &e.Description },
		format: func(h monitor.Heartbeat) string { return h.Description },
	},
	{
		Name: "tags", Label: "Tags", Type: FieldTags, Max: maxTags,
		Help:   "Each of up to 50 characters, without commas",
		member: func(e *HeartbeatEdit) any { return &e.Tags },
		format: func(h monitor.Heartbeat) string { return strings.Join(h.Tags, ", ") },
	},
	{
		Name: "interval", Label: "Expected interval", Type: FieldDuration, Nullable: true,
		Help:   "Time between pings: 1 s to 366 d. One of interval, cron and oncalendar is required in a new heartbeat; setting one replaces the current schedule",
		member: func(e *HeartbeatEdit) any { return &e.Interval },
		format: func(h monitor.Heartbeat) string { return formatDuration(h.Rule.Interval) },
	},
	{
		Name: "cron", Label: "Cron expression", Type: FieldLines, Nullable: true,
		Help:   "Cron expressions of five fields, or words such as @daily",
		member: func(e *HeartbeatEdit) any { return &e.Cron },
		format: func(h monitor.Heartbeat) string { return formatCalendar(h, monitor.Cron) },
	},
	{
		Name: "oncalendar", Label: "OnCalendar expression", Type: FieldLines, Nullable: true,
		Help:   "Calendar expressions of systemd, such as Mon..Fri 03:00",
		member: func(e *HeartbeatEdit) any { return &e.OnCalendar },
		format: func(h monitor.Heartbeat) string { return formatCalendar(h, monitor.OnCalendar) },
	},
	{
		Name: "timezone", Label: "Time zone", Type: FieldText, Nullable: true,
		Help:   "IANA name of the zone of cron or oncalendar. An old name such as US/Eastern stays as it is. Null: the zone of the project",
		member: func(e *HeartbeatEdit) any { return &e.Timezone },
		format: formatZone,
	},
	{
		Name: "early", Label: "Early pings", Type: FieldDuration, Nullable: true,
		Help:   "How long before a slot a ping counts for it; 0: never. Null: the smallest of the grace period, a quarter of the gap before the slot, and 5 min. No effect with an interval",
		Flag:   "How long before a slot a ping counts for it; 0: never. Default: depends on the schedule.",
		member: func(e *HeartbeatEdit) any { return &e.Early },
		format: formatEarly,
	},
	{
		Name: "grace", Label: "Grace period", Type: FieldDuration,
		Help:   "How late a ping can be before an incident opens: 0 s to 366 d. Default: 5 min",
		Flag:   "How late a ping can be before an incident opens. Default: 5m.",
		member: func(e *HeartbeatEdit) any { return &e.Grace },
		format: formatGrace,
	},
	{
		Name: "max_run_time", Label: "Maximum run time", Type: FieldDuration, Nullable: true,
		Help:   "Maximum time from the start to the finish of a run: 1 s to 366 d. Null: the grace period",
		Flag:   "Maximum time from the start to the finish of a run. Default: the grace period.",
		member: func(e *HeartbeatEdit) any { return &e.MaxRunTime },
		format: func(h monitor.Heartbeat) string { return formatDuration(h.Rule.MaxRunTime) },
	},
	{
		Name: "min_run_time", Label: "Minimum run time", Type: FieldDuration, Nullable: true,
		Help:   "Minimum time from the start to the success of a run; a shorter run has failed. Null: no minimum",
		Flag:   "Minimum time from the start to the success of a run; a shorter run has failed.",
		member: func(e *HeartbeatEdit) any { return &e.MinRunTime },
		format: func(h monitor.Heartbeat) string { return formatDuration(h.Rule.MinRunTime) },
	},
	{
		Name: "start_grace", Label: "Must start within", Type: FieldDuration, Nullable: true,
		Help:   "How long after it is due a run must start or ping. Null: only the grace period applies",
		Flag:   "How long after it is due a run must start.",
		member: func(e *HeartbeatEdit) any { return &e.StartGrace },
		format: func(h monitor.Heartbeat) string { return formatDuration(h.Rule.StartGrace) },
	},
	{
		Name: "alert_after", Label: "Alert after", Type: FieldNumber, Min: 1, Max: monitor.MaxAlertAfter,
		Help:   "Number of consecutive failed runs that opens an incident. Default: 1",
		Flag:   "Number of consecutive failed runs that opens an incident. Default: 1.",
		member: func(e *HeartbeatEdit) any { return &e.AlertAfter },
		format: func(h monitor.Heartbeat) string { return strconv.Itoa(max(h.Rule.AlertAfter, 1)) },
	},
	{
		Name: "instances", Label: "Instances", Type: FieldText, Nullable: true, Max: 4, Pattern: `^(any|each|[1-9][0-9]?|100)?$`,
		Help: "Which of the hosts that ping must succeed within the interval and the grace period. any: one of them; each: every host that has pinged; " +
			"a number: at least so many. each and a number require an interval, and no rules for runs. Default: any",
		Flag:   "Which hosts must succeed: any, each, or a minimum number. Default: any.",
		member: func(e *HeartbeatEdit) any { return &e.Instances },
		format: func(h monitor.Heartbeat) string { return h.Rule.Instances.String() },
	},
	{
		Name: "expect_first_by", Label: "Expect the first ping by", Type: FieldTime, Nullable: true,
		Help:   "Time by which a new heartbeat must receive its first ping. Must be in the future when it is set. Null: none",
		Flag:   "Open an incident if the first ping has not arrived by then, such as 2026-03-14T03:00:00Z.",
		member: func(e *HeartbeatEdit) any { return &e.ExpectFirstBy },
		format: func(h monitor.Heartbeat) string { return formatTime(h.Rule.ExpectFirstBy) },
	},
	{
		Name: "severity", Label: "Severity", Type: FieldChoice, Select: true,
		Options: []Option{
			{string(monitor.SeverityCritical), "Critical"}, {string(monitor.SeverityWarning), "Warning"}, {string(monitor.SeverityInfo), "Info"},
		},
		Help:   "How urgent its alerts are. Every alert contains it; messages name it if it is not critical. Default: critical",
		Flag:   "How urgent its alerts are: critical, warning or info. Default: critical.",
		member: func(e *HeartbeatEdit) any { return &e.Severity },
		format: func(h monitor.Heartbeat) string { return string(h.Severity) },
		choice: func(h *monitor.Heartbeat, value string) { h.Severity = monitor.Severity(value) },
	},
	{
		Name: "flapping_alerts", Label: "Alerts while it flaps", Type: FieldChoice, Select: true,
		Options: []Option{{string(monitor.FlappingHold), "One message, then wait until it is stable"}, {string(monitor.FlappingSend), "Send every alert"}},
		Help: "Alerts after more than 6 changes in 30 min. With hold, one message says that it flaps, and further alerts wait " +
			"until it has been stable for 30 min. With send, all are sent. Default: hold",
		Flag:   "Alerts while it flaps: hold (until it has been stable for 30 min) or send. Default: hold.",
		member: func(e *HeartbeatEdit) any { return &e.FlappingAlerts },
		format: func(h monitor.Heartbeat) string { return string(cmp.Or(h.FlappingAlerts, monitor.FlappingHold)) },
		choice: func(h *monitor.Heartbeat, value string) { h.FlappingAlerts = monitor.FlappingAlerts(value) },
	},
	{
		Name: "methods", Label: "Requests", Type: FieldChoice,
		Options: []Option{{string(monitor.AnyMethod), "Any method"}, {string(monitor.PostOnly), "POST only"}},
		Help:    "Request methods that count as pings. With post, other methods are only logged. Default: any",
		member:  func(e *HeartbeatEdit) any { return &e.Methods },
		format:  func(h monitor.Heartbeat) string { return string(h.Rule.Methods) },
		choice:  func(h *monitor.Heartbeat, value string) { h.Rule.Methods = monitor.Methods(value) },
	},
	{
		Name: "manual_resume", Label: "When paused, stay paused", Type: FieldSwitch,
		Help:   "A ping does not resume the heartbeat when it is paused. Default: false",
		member: func(e *HeartbeatEdit) any { return &e.ManualResume },
		format: func(h monitor.Heartbeat) string { return strconv.FormatBool(h.Rule.ManualResume) },
	},
	{
		Name: "channels", Label: "Channels", Type: FieldChannels, Nullable: true,
		Help:   "Ids of the channels that receive alerts. Null: all of the project",
		member: func(e *HeartbeatEdit) any { return &e.Channels },
		format: formatChannels,
	},
	{
		Name: "policy", Label: "Alert policy", Type: FieldText, Max: maxSlugLength, Nullable: true,
		Help:   "Slug of the escalation policy whose steps are used. Not together with channels. Null: the default policy of the project, or all channels if it has none",
		Flag:   "Escalation policy, by slug. Not together with --channel. Default: the default policy, or all channels if the project has none.",
		member: func(e *HeartbeatEdit) any { return &e.Policy },
		format: func(h monitor.Heartbeat) string { return h.Policy },
	},
}

// SelectFields returns the fields that the form shows as a list of options.
func SelectFields() []HeartbeatField {
	return slices.DeleteFunc(slices.Clone(HeartbeatFields), func(f HeartbeatField) bool { return !f.Select })
}

// Set sets the field in an edit. value is a pointer to a text, a list, a number or a boolean, as
// the type of the field requires; a nil pointer keeps the current value of the heartbeat.
func (f HeartbeatField) Set(e *HeartbeatEdit, value any) {
	member := reflect.ValueOf(f.member(e)).Elem()
	member.Set(reflect.ValueOf(value).Convert(member.Type()))
}

// Value returns the value of the field as text: as the audit log shows it, and, of a choice, as the
// API accepts it.
func (f HeartbeatField) Value(h monitor.Heartbeat) string { return f.format(h) }

// Values returns the values of a choice.
func (f HeartbeatField) Values() []string {
	var values []string
	for _, o := range f.Options {
		values = append(values, o.Value)
	}
	return values
}

// applyChoices sets the choices of an edit.
func (e HeartbeatEdit) applyChoices(h *monitor.Heartbeat, v *validator) {
	for _, f := range HeartbeatFields {
		if f.Type != FieldChoice {
			continue
		}
		value := *f.member(&e).(**string)
		switch {
		case value == nil:
		case !slices.Contains(f.Values(), *value):
			v.reject(f.Name, "%s must be %s.", f.Name, joinWithOr(f.Values()))
		default:
			f.choice(h, *value)
		}
	}
}

// joinWithOr joins values for a sentence: "a, b or c".
func joinWithOr(values []string) string {
	last := len(values) - 1
	if last < 1 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:last], ", ") + " or " + values[last]
}

// heartbeatSettings are all settings of two heartbeats, as text.
func heartbeatSettings(before, after monitor.Heartbeat) []settingChange {
	var all []settingChange
	for _, f := range HeartbeatFields {
		all = append(all, settingChange{f.Name, f.format(before), f.format(after)})
	}
	return all
}

// DefaultGrace is the grace period of a heartbeat that was created without one: long enough
// for a slow start, short enough to report a miss in time.
const DefaultGrace = 5 * time.Minute

// HeartbeatEdit contains the new values of a heartbeat. A nil value keeps the current one,
// or sets the default of a new heartbeat. Durations are as typed, see
// [schedule.ParseDuration]; an empty duration removes it, or sets the default.
type HeartbeatEdit struct {
	Name, Slug, Description *string
	Tags                    *[]string

	// Interval, Cron and OnCalendar are the schedule: the one that is set replaces the
	// current one. The lists contain lines; a nil list is not set.
	Interval         *string
	Cron, OnCalendar *[]string
	Timezone         *string // IANA name; empty: the zone of the project

	Early          *string // empty: the default of the schedule
	Grace          *string
	MaxRunTime     *string // empty: the grace period
	MinRunTime     *string
	StartGrace     *string
	AlertAfter     *int
	Instances      *string // any, each or a number; empty: any
	ExpectFirstBy  *string // RFC 3339; empty: never
	Severity       *string
	FlappingAlerts *string
	Methods        *string
	ManualResume   *bool
	Channels       *[]string // a nil list: all of the project
	Policy         *string   // slug; empty: the default policy

	// IfVersion lists the versions that the edit may replace, see [HeartbeatVersion].
	// Empty: any.
	IfVersion []string

	id string // of a new heartbeat; empty: random

	// InputFaults are faults that the caller found while it decoded the input. They are
	// reported together with those of the validation.
	InputFaults monitor.Faults
}

// newHeartbeat returns a heartbeat with default settings.
func newHeartbeat(project int64, now time.Time) monitor.Heartbeat {
	return monitor.Heartbeat{
		Project: project, Status: monitor.New, Severity: monitor.SeverityCritical, FlappingAlerts: monitor.FlappingHold, AllChannels: true, Created: now, Updated: now,
		Rule: monitor.Rule{Early: monitor.DefaultEarly, Grace: DefaultGrace, AlertAfter: 1, Methods: monitor.AnyMethod},
	}
}
