package view

import "strings"

// HeartbeatFormPage is the form for a new heartbeat and for an existing one.
type HeartbeatFormPage struct {
	Shell
	Key      string // of the heartbeat that is edited; empty for a new one
	Title    string // its name as saved, which the form may have changed
	Form     HeartbeatForm
	Preview  Preview
	Channels []ChannelOption
	Zones    []string // suggested time zones

	Version, OriginalValues string // of the heartbeat that is edited, see [VersionField]
}

// HeartbeatForm is what the form holds. Durations are text as typed.
type HeartbeatForm struct {
	Name, Grace                Input
	Schedule                   string // interval, cron or oncalendar
	Interval, Cron, OnCalendar Input  // the last two with one expression a line
	CronZone, OnCalendarZone   Input
	ScheduleText               string // the calendar schedule in words; empty while it cannot be read
	Tags, Description          Input
	SelectedChannelsOnly       bool
	ChannelError               string

	// What may be left alone.
	MaxRunTime, MinRunTime, StartGrace, AlertAfter, Early, ExpectFirstBy Input
	DefaultEarly                                                         string // how early a ping may be unless said, such as "5m"
	PostOnly, ManualResume                                               bool
}

// ChannelOption is a channel that a heartbeat may name.
type ChannelOption struct {
	ID, Name, Kind string // Kind as people say it: "Slack"
	Selected       bool
}

func (p HeartbeatFormPage) title() string {
	if p.Key == "" {
		return "New heartbeat"
	}
	return "Edit " + p.Title
}

// action is where the form goes; cancelling leads back to where it came from.
func (p HeartbeatFormPage) action() string {
	if p.Key == "" {
		return HeartbeatsPath
	}
	return HeartbeatPath(p.Key)
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
func (f HeartbeatForm) isSelected(t scheduleTab) bool {
	if f.Schedule == "" {
		return t.value == "interval"
	}
	return f.Schedule == t.value
}

// rows is how high a text area is: each expression has a line, and there is room
// for one more.
func rows(text string) int { return min(max(strings.Count(strings.TrimSpace(text), "\n")+2, 2), 12) }

// Controls whose errors and hints a preview fills in.

func (f HeartbeatForm) interval() control {
	return control{
		id: "interval", name: "interval", label: "Expected interval", in: f.Interval, placeholder: "24h", autocomplete: "off", keepsError: true,
		hint: "Write it as you like: 24h, 90m, 1d 12h. Counted from the last ping.",
	}
}

func (f HeartbeatForm) grace() control {
	return control{
		id: "grace", name: "grace", label: "Grace period", in: f.Grace, autocomplete: "off", keepsError: true,
		hint: "How late a ping may be before an incident opens. Leave room for a slow run.",
	}
}

func (f HeartbeatForm) cron() control {
	return control{
		id: "cron", name: "cron", label: "Cron expression", in: f.Cron, rows: rows(f.Cron.Value), class: "mono input-lines", autocomplete: "off", verbatim: true, keepsError: true,
		placeholder: "0 3 * * *", hint: f.calendarHint("cron", "Minute, hour, day of month, month, day of week. One expression a line."),
	}
}

func (f HeartbeatForm) onCalendar() control {
	return control{
		id: "oncalendar", name: "oncalendar", label: "OnCalendar expression", in: f.OnCalendar, rows: rows(f.OnCalendar.Value), class: "mono input-lines", autocomplete: "off", verbatim: true, keepsError: true,
		placeholder: "Mon..Fri 03:00", hint: f.calendarHint("oncalendar", "As in a systemd timer. One expression a line."),
	}
}

// calendarHint is the hint under a calendar expression: its meaning, once it has one.
func (f HeartbeatForm) calendarHint(kind, otherwise string) string {
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
func zone(id, name string, in Input) control {
	return control{id: id, name: name, label: "Time zone", in: in, list: "zones", autocomplete: "off", verbatim: true, keepsError: true}
}

func (f HeartbeatForm) cronZone() control { return zone("cron-zone", "cron_timezone", f.CronZone) }
func (f HeartbeatForm) onCalendarZone() control {
	return zone("oncalendar-zone", "oncalendar_timezone", f.OnCalendarZone)
}

// option is a short control of the advanced part.
func option(id, name, label string, in Input, placeholder, hint string) control {
	return control{id: id, name: name, label: label, in: in, class: "input-short", placeholder: placeholder, hint: hint, autocomplete: "off", keepsError: true}
}

func (f HeartbeatForm) maxRunTime() control {
	return option("max", "max_run_time", "Maximum run time", f.MaxRunTime, "as the grace period",
		"From a start signal to its finish. A longer run opens an incident.")
}

func (f HeartbeatForm) minRunTime() control {
	return option("min", "min_run_time", "Minimum run time", f.MinRunTime, "none",
		"A run that succeeds sooner did not do its work, and is bad.")
}

func (f HeartbeatForm) startGrace() control {
	return option("start", "start_grace", "Must start within", f.StartGrace, "the grace period",
		"After it is due. For jobs that send a start signal and then run for long.")
}

func (f HeartbeatForm) alertAfter() control {
	c := option("after", "alert_after", "Alert after", f.AlertAfter, "1",
		"Bad runs in a row: missed, failed, too short, too long or not started. 1 alerts at once.")
	c.kind, c.least = "number", 1
	return c
}

func (f HeartbeatForm) early() control {
	hint := "How long before a run is due its ping counts. 0 for not at all. Only for cron and OnCalendar."
	return option("early", "early", "Early pings", f.Early, word(f.DefaultEarly == "", "up to 5m", f.DefaultEarly), hint)
}

func (f HeartbeatForm) firstPing() control {
	return control{
		id: "first", name: "expect_first_by", label: "Expect the first ping by", in: f.ExpectFirstBy, kind: "datetime-local", keepsError: true,
		hint: "A new heartbeat stays quiet until its first ping, unless you set this. In the time zone of the project.",
	}
}

// previewedControls are the controls that a preview may find fault with.
func (f HeartbeatForm) previewedControls() []control {
	return append([]control{f.interval(), f.cron(), f.cronZone(), f.onCalendar(), f.onCalendarZone(), f.grace(), f.firstPing()}, f.ruleControls()...)
}

// ruleControls are the rules for runs.
func (f HeartbeatForm) ruleControls() []control {
	return []control{f.maxRunTime(), f.minRunTime(), f.startGrace(), f.alertAfter(), f.early()}
}

// showAdvanced tells whether anything was said, or is wrong, in the part that is
// closed otherwise.
func (f HeartbeatForm) showAdvanced() bool {
	for _, c := range append(f.ruleControls(), f.firstPing()) {
		if c.in.Error != "" || c.in.Value != "" && (c.id != "after" || c.in.Value != "1") {
			return true
		}
	}
	return f.PostOnly || f.ManualResume
}

// Common schedules, offered beside the controls.
var (
	cronPresets = []Option{
		{"*/5 * * * *", "5 min"}, {"0 * * * *", "hourly"}, {"0 3 * * *", "daily"}, {"0 3 * * 1-5", "weekdays"}, {"0 3 * * 0", "weekly"}, {"0 3 1 * *", "monthly"},
	}
	onCalendarPresets = []Option{
		{"*:0/5", "5 min"}, {"hourly", "hourly"}, {"03:00", "daily"}, {"Mon..Fri 03:00", "weekdays"}, {"Sun 03:00", "weekly"}, {"*-*-01 03:00", "monthly"},
	}
)
