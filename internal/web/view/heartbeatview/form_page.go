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
	Key      string // of the heartbeat that is edited; empty for a new one
	Title    string // its name as saved, which the form may have changed
	Form     FormValues
	Preview  Preview
	Channels []ChannelOption
	Zones    []string // suggested time zones

	Version, OriginalValues string // of the heartbeat that is edited, see [ui.VersionField]
}

// FormValues is what the form holds. Durations are text as typed.
type FormValues struct {
	Name, Grace                ui.Input
	Schedule                   string   // interval, cron or oncalendar
	Interval, Cron, OnCalendar ui.Input // the last two with one expression a line
	CronZone, OnCalendarZone   ui.Input
	ScheduleText               string // the calendar schedule in words; empty while it cannot be read
	Tags, Description          ui.Input
	SelectedChannelsOnly       bool
	ChannelError               string

	// What may be left alone.
	MaxRunTime, MinRunTime, StartGrace, AlertAfter, Early, ExpectFirstBy ui.Input
	DefaultEarly                                                         string // how early a ping may be unless said, such as "5m"
	PostOnly, ManualResume                                               bool
}

// ChannelOption is a channel that a heartbeat may name.
type ChannelOption struct {
	ID, Name, Kind string // Kind as people say it: "Slack"
	Selected       bool
}

func (p FormPage) title() string {
	if p.Key == "" {
		return "New heartbeat"
	}
	return "Edit " + p.Title
}

// action is where the form goes; cancelling leads back to where it came from.
func (p FormPage) action() string {
	if p.Key == "" {
		return paths.Heartbeats
	}
	return paths.Heartbeat(p.Key)
}

// scheduleTab is one way to say a schedule.
type scheduleTab struct{ value, id, label string }

// scheduleTabs are the three ways, the simplest first.
var scheduleTabs = []scheduleTab{
	{"interval", "k-int", "Interval"},
	{"cron", "k-cron", "Cron"},
	{"oncalendar", "k-cal", "OnCalendar"},
}

// isSelected is the tab that is open; an interval when nothing was said.
func (f FormValues) isSelected(t scheduleTab) bool {
	if f.Schedule == "" {
		return t.value == "interval"
	}
	return f.Schedule == t.value
}

// rows is how high a text area is: each expression has a line, and there is room
// for one more.
func rows(text string) int { return min(max(strings.Count(strings.TrimSpace(text), "\n")+2, 2), 12) }

// Controls whose errors and hints a preview fills in.

func (f FormValues) interval() ui.Control {
	return ui.Control{
		ID: "interval", Name: "interval", Label: "Expected interval", In: f.Interval, Placeholder: "24h", Autocomplete: "off", KeepErrorElement: true,
		Hint: "Write it as you like: 24h, 90m, 1d 12h. Counted from the last ping.",
	}
}

func (f FormValues) grace() ui.Control {
	return ui.Control{
		ID: "grace", Name: "grace", Label: "Grace period", In: f.Grace, Autocomplete: "off", KeepErrorElement: true,
		Hint: "How late a ping may be before an incident opens. Leave room for a slow run.",
	}
}

func (f FormValues) cron() ui.Control {
	return ui.Control{
		ID: "cron", Name: "cron", Label: "Cron expression", In: f.Cron, Rows: rows(f.Cron.Value), Class: "mono input-lines", Autocomplete: "off", Verbatim: true, KeepErrorElement: true,
		Placeholder: "0 3 * * *", Hint: f.calendarHint("cron", "Minute, hour, day of month, month, day of week. One expression a line."),
	}
}

func (f FormValues) onCalendar() ui.Control {
	return ui.Control{
		ID: "oncalendar", Name: "oncalendar", Label: "OnCalendar expression", In: f.OnCalendar, Rows: rows(f.OnCalendar.Value), Class: "mono input-lines", Autocomplete: "off", Verbatim: true, KeepErrorElement: true,
		Placeholder: "Mon..Fri 03:00", Hint: f.calendarHint("oncalendar", "As in a systemd timer. One expression a line."),
	}
}

// calendarHint is the hint under a calendar expression: its meaning, once it has one.
func (f FormValues) calendarHint(kind, otherwise string) string {
	if f.ScheduleText == "" || f.Schedule != kind {
		return otherwise
	}
	if strings.HasPrefix(f.ScheduleText, "as “") {
		return otherwise // it has no shorter words than itself
	}
	return "Reads as: " + f.ScheduleText + ". One expression a line."
}

// zone is asked for beside either calendar expression; the handler reads the one
// beside the chosen expression.
func zone(id, name string, in ui.Input) ui.Control {
	return ui.Control{ID: id, Name: name, Label: "Time zone", In: in, DataList: "zones", Autocomplete: "off", Verbatim: true, KeepErrorElement: true}
}

func (f FormValues) cronZone() ui.Control { return zone("cron-zone", "cron_timezone", f.CronZone) }

func (f FormValues) onCalendarZone() ui.Control {
	return zone("oncalendar-zone", "oncalendar_timezone", f.OnCalendarZone)
}

// option is a short control of the advanced part.
func option(id, name, label string, in ui.Input, placeholder, hint string) ui.Control {
	return ui.Control{ID: id, Name: name, Label: label, In: in, Class: "input-short", Placeholder: placeholder, Hint: hint, Autocomplete: "off", KeepErrorElement: true}
}

func (f FormValues) maxRunTime() ui.Control {
	return option("max", "max_run_time", "Maximum run time", f.MaxRunTime, "as the grace period",
		"From a start signal to its finish. A longer run opens an incident.")
}

func (f FormValues) minRunTime() ui.Control {
	return option("min", "min_run_time", "Minimum run time", f.MinRunTime, "none",
		"A run that succeeds sooner did not do its work, and is bad.")
}

func (f FormValues) startGrace() ui.Control {
	return option("start", "start_grace", "Must start within", f.StartGrace, "the grace period",
		"After it is due. For jobs that send a start signal and then run for long.")
}

func (f FormValues) alertAfter() ui.Control {
	c := option("after", "alert_after", "Alert after", f.AlertAfter, "1",
		"Bad runs in a row: missed, failed, too short, too long or not started. 1 alerts at once.")
	c.Type, c.Min = "number", 1
	return c
}

func (f FormValues) early() ui.Control {
	hint := "How long before a run is due its ping counts. 0 for not at all. Only for cron and OnCalendar."
	return option("early", "early", "Early pings", f.Early, ui.If(f.DefaultEarly == "", "up to 5m", f.DefaultEarly), hint)
}

func (f FormValues) firstPing() ui.Control {
	return ui.Control{
		ID: "first", Name: "expect_first_by", Label: "Expect the first ping by", In: f.ExpectFirstBy, Type: "datetime-local", KeepErrorElement: true,
		Hint: "A new heartbeat stays quiet until its first ping, unless you set this. In the time zone of the project.",
	}
}

// previewedControls are the controls that a preview may find fault with.
func (f FormValues) previewedControls() []ui.Control {
	return append([]ui.Control{f.interval(), f.cron(), f.cronZone(), f.onCalendar(), f.onCalendarZone(), f.grace(), f.firstPing()}, f.ruleControls()...)
}

// ruleControls are the rules for runs.
func (f FormValues) ruleControls() []ui.Control {
	return []ui.Control{f.maxRunTime(), f.minRunTime(), f.startGrace(), f.alertAfter(), f.early()}
}

// showAdvanced tells whether anything was said, or is wrong, in the part that is
// closed otherwise.
func (f FormValues) showAdvanced() bool {
	for _, c := range append(f.ruleControls(), f.firstPing()) {
		if c.In.Error != "" || c.In.Value != "" && (c.ID != "after" || c.In.Value != "1") {
			return true
		}
	}
	return f.PostOnly || f.ManualResume
}

// Common schedules, offered beside the controls.
var (
	cronPresets = []ui.Option{
		{Value: "*/5 * * * *", Label: "5 min"}, {Value: "0 * * * *", Label: "hourly"}, {Value: "0 3 * * *", Label: "daily"}, {Value: "0 3 * * 1-5", Label: "weekdays"}, {Value: "0 3 * * 0", Label: "weekly"}, {Value: "0 3 1 * *", Label: "monthly"},
	}
	onCalendarPresets = []ui.Option{
		{Value: "*:0/5", Label: "5 min"}, {Value: "hourly", Label: "hourly"}, {Value: "03:00", Label: "daily"}, {Value: "Mon..Fri 03:00", Label: "weekdays"}, {Value: "Sun 03:00", Label: "weekly"}, {Value: "*-*-01 03:00", Label: "monthly"},
	}
)
