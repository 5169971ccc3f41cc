package view

import "time"

// HeartbeatFormPage is the form for a new heartbeat and for an existing one.
type HeartbeatFormPage struct {
	Shell
	Key      string // of the heartbeat that is edited; empty for a new one
	Title    string // its name as saved, which the form may have changed
	Form     HeartbeatForm
	Preview  Preview
	Channels []ChannelChoice
	Zones    []string // suggested time zones
}

// HeartbeatForm is what the form holds. Durations are text as typed.
type HeartbeatForm struct {
	Name, Grace                              Input
	Schedule                                 string // interval, cron or oncalendar
	Interval, Cron, OnCalendar               Input
	Zone                                     Input  // of cron and OnCalendar
	ReadsAs                                  string // the calendar schedule in words; empty while it cannot be read
	Tags, Description, MaxRunTime, FirstPing Input
	PostOnly, StaysPaused, OnlySome          bool
	ChannelError                             string

	// OnlyInterval leaves out what needs a calendar, and the first ping by.
	OnlyInterval bool
}

// ChannelChoice is a channel that a heartbeat may name.
type ChannelChoice struct {
	ID, Name, Kind string // Kind as people say it: "Slack"
	Chosen         bool
}

// Preview is what the settings in the form would mean.
type Preview struct {
	Schedule string // "every 24 h", "at 03:00 every day"; empty when it cannot be read
	Zone     string // of a calendar schedule
	Grace    time.Duration
	Channels string    // who is told: "all 7 channels"
	Ping     time.Time // the ping that is imagined, which is now
	Due      time.Time
	Runs     []time.Time // the next runs
	Note     string      // "Clocks go back on Sun 26 Oct. Runs stay at 03:00 local time."
}

// readable tells whether there is anything to show. Nothing is better than the
// meaning of what was typed before.
func (p Preview) readable() bool { return p.Schedule != "" && !p.Due.IsZero() }

// calendar tells whether runs have fixed times, whatever the pings do.
func (p Preview) calendar() bool { return p.Zone != "" }

// inZone names the zone inside the sentence.
func (p Preview) inZone() string {
	if p.Zone == "" {
		return ""
	}
	return ", " + p.Zone
}

// bar explains the settings: it does not move.
func (p Preview) bar(c Clock) Deadline {
	alert := p.Due.Add(p.Grace)
	first := "If a ping came now"
	label := "Time line: if a ping came now, the next is due after the interval, and the alert goes out after the grace period."
	if p.calendar() {
		first = "Now"
		label = "Time line: the run starts at " + c.Minute(p.Due) + ", and the alert goes out at " + c.Minute(alert) + " if no ping has come."
	}
	short := p.short()
	return Deadline{ID: "p", Label: label, Marks: [3]Mark{
		{Word: first, At: p.Ping, Short: short},
		{Word: "Due", At: p.Due, Short: short},
		{Word: "Alert", At: alert, Short: short},
	}}
}

// short leaves out seconds, unless they are what the schedule is about.
func (p Preview) short() bool {
	return p.Grace%time.Minute == 0 && (p.calendar() || p.Due.Sub(p.Ping)%time.Minute == 0)
}

func (p Preview) run(c Clock, t time.Time) string {
	if p.short() {
		return c.Date(t) + " " + c.Minute(t)
	}
	return c.Date(t) + " " + c.Time(t)
}

// note says what the list of runs takes for granted.
func (p Preview) note() string {
	if p.Note == "" && !p.calendar() {
		return "If every ping arrives exactly on time. An early ping moves them earlier."
	}
	return p.Note
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

// readsAs is the hint under a calendar expression.
func (f HeartbeatForm) readsAs(kind, before, after string) string {
	if f.ReadsAs == "" || f.Schedule != kind {
		return before + after
	}
	return before + "Reads as: " + f.ReadsAs + ". " + after
}

// tab is one way to say a schedule.
type tab struct{ value, id, label string }

// scheduleTabs are the three ways, the simplest first.
var scheduleTabs = []tab{
	{"interval", "k-int", "Interval"},
	{"cron", "k-cron", "Cron"},
	{"oncalendar", "k-cal", "OnCalendar"},
}

// chosen is the tab that is open; an interval when nothing was said.
func (f HeartbeatForm) chosen(t tab) bool {
	if f.Schedule == "" {
		return t.value == "interval"
	}
	return f.Schedule == t.value
}

// Controls whose errors and hints a preview fills in.

func (f HeartbeatForm) interval() control {
	return control{
		id: "interval", name: "interval", label: "Expected interval", in: f.Interval, autocomplete: "off", keepsError: true,
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
		id: "cron", name: "cron", label: "Cron expression", in: f.Cron, rows: 1, class: "input-line mono", autocomplete: "off", keepsError: true,
		hint: f.readsAs("cron", "", "One expression a line."),
	}
}

func (f HeartbeatForm) onCalendar() control {
	return control{
		id: "oncalendar", name: "oncalendar", label: "OnCalendar expression", in: f.OnCalendar, class: "mono", autocomplete: "off", keepsError: true,
		hint: f.readsAs("oncalendar", "As in a systemd timer. ", ""),
	}
}

// previewed are the controls that a preview may find fault with.
func (f HeartbeatForm) previewed() []control {
	if f.OnlyInterval {
		return []control{f.interval(), f.grace()}
	}
	return []control{f.interval(), f.cron(), f.onCalendar(), f.grace()}
}

// zone is asked for beside either calendar expression. Both controls hold the same
// value; the handler reads the one beside the chosen expression.
func (f HeartbeatForm) zone(id, name string) control {
	return control{id: id, name: name, label: "Time zone", in: f.Zone, list: "zones", autocomplete: "off"}
}
