package heartbeatview

import (
	"strings"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// FormPage is the form for a new heartbeat and for an existing one.
type FormPage struct {
	layout.Shell
	Key      string // of the edited heartbeat; empty for a new one
	Title    string // its saved name; the form may contain another
	Form     FormValues
	Preview  Preview
	Channels []ChannelOption
	Policies []PolicyOption
	Zones    []string // suggested time zones

	Version, OriginalValues string // of the edited heartbeat, see [ui.VersionField]
}

// FormValues are the values of the form. Durations are the text that was typed.
type FormValues struct {
	Name, Grace                ui.Input
	Schedule                   string   // interval, cron or oncalendar
	Interval, Cron, OnCalendar ui.Input // the last two have one expression per line
	CronZone, OnCalendarZone   ui.Input
	PresetTime                 ui.Input // time of day of the schedule presets
	ScheduleText               string   // the calendar schedule in words; empty if it is not valid
	Tags, Description          ui.Input
	SelectedChannelsOnly       bool
	Policy                     string // slug of the chosen policy, "" for none
	ChannelError               string

	// Optional settings.
	MaxRunTime, MinRunTime, StartGrace, AlertAfter, Instances, Early, ExpectFirstBy ui.Input
	DefaultEarly                                                                    string // default of Early, such as "5m"
	PostOnly, ManualResume                                                          bool
	Selects                                                                         []Select
}

// Select is a list with one selected option.
type Select struct {
	Name, Label, Value string
	Options            []ui.Option
}

// ChannelOption is a channel that a heartbeat may select.
type ChannelOption struct {
	ID, Name, Kind string // Kind is its label: "Slack"
	Selected       bool
}

// PolicyOption is an escalation policy that a heartbeat may name.
type PolicyOption struct {
	Slug, Name string
	Steps      int
	Default    bool
}

// PolicyPrefix begins the value of the control "channels" that names a policy.
const PolicyPrefix = "policy:"

// defaultRule describes who is notified if the heartbeat names nothing.
func (p FormPage) defaultRule() (label, end string) {
	for _, o := range p.Policies {
		if o.Default {
			return "Default policy: " + o.Name, o.stepsText()
		}
	}
	return "All channels of the project", ui.Count(len(p.Channels))
}

func (o PolicyOption) stepsText() string { return ui.Plural(o.Steps, "step") }

func (p FormPage) title() string {
	if p.Key == "" {
		return "New heartbeat"
	}
	return "Edit " + p.Title
}

// action returns the address that the form is sent to. Cancel links to it, too.
func (p FormPage) action() string {
	if p.Key == "" {
		return paths.Heartbeats
	}
	return paths.Heartbeat(p.Key)
}

// scheduleTab is one kind of schedule.
type scheduleTab struct{ value, id, label string }

// scheduleTabs lists the kinds of schedules, the simplest first.
var scheduleTabs = []scheduleTab{
	{"interval", "k-int", "Interval"},
	{"cron", "k-cron", "Cron"},
	{"oncalendar", "k-cal", "OnCalendar"},
}

// isSelected reports whether the tab is open. The default is the interval.
func (f FormValues) isSelected(t scheduleTab) bool {
	if f.Schedule == "" {
		return t.value == "interval"
	}
	return f.Schedule == t.value
}

// rows returns the height of a text area: one line per expression and one more.
func rows(text string) int { return min(max(strings.Count(strings.TrimSpace(text), "\n")+2, 2), 12) }

// name returns the control of the name. An empty form of a new heartbeat starts there.
func (p FormPage) name() ui.Control {
	return ui.Control{
		ID: "name", Name: "name", Label: "Name", In: p.Form.Name, Hint: "A name that people recognize in an alert.", Required: true, MaxLength: 100, Autocomplete: "off",
		Autofocus: p.Key == "" && p.Form.Name.Value == "" && p.Form.Name.Error == "",
	}
}

func (f FormValues) interval() ui.Control {
	return ui.Control{
		ID: "interval", Name: "interval", Label: "Expected interval", In: f.Interval, Placeholder: "24h", Autocomplete: "off", KeepErrorElement: true,
		Hint: "For example 24h, 90m or 1d 12h, counted from the last ping.",
	}
}

func (f FormValues) grace() ui.Control {
	return ui.Control{
		ID: "grace", Name: "grace", Label: "Grace period", In: f.Grace, Autocomplete: "off", KeepErrorElement: true,
		Hint: "How late a ping may be before an incident opens. Allow time for a slow run.",
	}
}

func (f FormValues) cron() ui.Control {
	return ui.Control{
		ID: "cron", Name: "cron", Label: "Cron expression", In: f.Cron, Rows: rows(f.Cron.Value), Class: "mono input-lines", Autocomplete: "off", Verbatim: true, KeepErrorElement: true,
		Placeholder: "0 3 * * *", Hint: f.calendarHint("cron", "Minute, hour, day of month, month, day of week. One per line."),
	}
}

func (f FormValues) onCalendar() ui.Control {
	return ui.Control{
		ID: "oncalendar", Name: "oncalendar", Label: "OnCalendar expression", In: f.OnCalendar, Rows: rows(f.OnCalendar.Value), Class: "mono input-lines", Autocomplete: "off", Verbatim: true, KeepErrorElement: true,
		Placeholder: "Mon..Fri 03:00", Hint: f.calendarHint("oncalendar", "As in a systemd timer. One per line."),
	}
}

// calendarHint returns the hint of a calendar expression: its meaning, if it is
// valid.
func (f FormValues) calendarHint(kind, otherwise string) string {
	if f.ScheduleText == "" || f.Schedule != kind {
		return otherwise
	}
	if strings.HasPrefix(f.ScheduleText, "as “") {
		return otherwise // the words only repeat the expression
	}
	return "Reads as: " + f.ScheduleText + ". One per line."
}

// zone returns the time zone control of a calendar expression. Cron and OnCalendar
// each have their own; the handler reads the one of the selected tab.
func zone(id, name string, in ui.Input) ui.Control {
	return ui.Control{ID: id, Name: name, Label: "Time zone", In: in, DataList: "zones", Autocomplete: "off", Verbatim: true, KeepErrorElement: true}
}

func (f FormValues) cronZone() ui.Control { return zone("cron-zone", "cron_timezone", f.CronZone) }

func (f FormValues) onCalendarZone() ui.Control {
	return zone("oncalendar-zone", "oncalendar_timezone", f.OnCalendarZone)
}

// option returns a short control of the advanced part.
func option(id, name, label string, in ui.Input, placeholder, hint string) ui.Control {
	return ui.Control{ID: id, Name: name, Label: label, In: in, Class: "input-short", Placeholder: placeholder, Hint: hint, Autocomplete: "off", KeepErrorElement: true}
}

func (f FormValues) maxRunTime() ui.Control {
	return option("max", "max_run_time", "Maximum run time", f.MaxRunTime, "the grace period",
		"From the start signal to the finish. A longer run opens an incident.")
}

func (f FormValues) minRunTime() ui.Control {
	return option("min", "min_run_time", "Minimum run time", f.MinRunTime, "none",
		"A run that succeeds sooner counts as failed.")
}

func (f FormValues) startGrace() ui.Control {
	return option("start", "start_grace", "Must start within", f.StartGrace, "the grace period",
		"How long after the due time the start signal may arrive. For long jobs that send one.")
}

func (f FormValues) alertAfter() ui.Control {
	c := option("after", "alert_after", "Alert after", f.AlertAfter, "1",
		"Number of consecutive failed runs (missed, failed, too short, too long or not started) that opens an incident. 1 alerts immediately.")
	c.Type, c.Min = "number", 1
	return c
}

func (f FormValues) instances() ui.Control {
	return option("instances", "instances", "Instances", f.Instances, "any",
		"If several hosts ping: any (one is enough), each (every host that has pinged), or a minimum number of hosts. Only for intervals.")
}

func (f FormValues) early() ui.Control {
	hint := "How long before the due time a ping counts for the run. 0 means never early. Only for cron and OnCalendar."
	return option("early", "early", "Early pings", f.Early, ui.If(f.DefaultEarly == "", "up to 5m", f.DefaultEarly), hint)
}

func (f FormValues) firstPing() ui.Control {
	return ui.Control{
		ID: "first", Name: "expect_first_by", Label: "Expect the first ping by", In: f.ExpectFirstBy, Type: "datetime-local", KeepErrorElement: true,
		Hint: "An incident opens if no ping arrives before this time. Without it, a new heartbeat sends no alerts. In the time zone of your pages.",
	}
}

// previewedControls lists the controls whose errors and hints the preview updates.
func (f FormValues) previewedControls() []ui.Control {
	return append([]ui.Control{f.interval(), f.cron(), f.cronZone(), f.onCalendar(), f.onCalendarZone(), f.grace(), f.firstPing()}, f.ruleControls()...)
}

// ruleControls lists the controls of the rules for runs.
func (f FormValues) ruleControls() []ui.Control {
	return []ui.Control{f.maxRunTime(), f.minRunTime(), f.startGrace(), f.alertAfter(), f.instances(), f.early()}
}

// showAdvanced reports whether the advanced part must be open: a value is set, or
// a value has an error.
func (f FormValues) showAdvanced() bool {
	for _, c := range append(f.ruleControls(), f.firstPing()) {
		if c.In.Error != "" || c.In.Value != "" && (c.ID != "after" || c.In.Value != "1") {
			return true
		}
	}
	return f.PostOnly || f.ManualResume
}
