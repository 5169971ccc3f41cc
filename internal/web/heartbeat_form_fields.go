package web

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

// The ways to say a schedule, as the form sends them.
const (
	scheduleInterval   = "interval"
	scheduleCron       = "cron"
	scheduleOnCalendar = "oncalendar"
)

// dateTimeLayout is how a browser sends a date and a time (HTML, "local date and time
// string"). Seconds come only when there are some.
const dateTimeLayout = "2006-01-02T15:04"

// heartbeatEdit reads the form. before is the rule of the heartbeat that is
// edited.
func (v *request) heartbeatEdit(before monitor.Rule) manage.HeartbeatEdit {
	tags := strings.Split(v.formValue("tags"), ",")
	methods, stays := string(monitor.AnyMethod), v.formValue("manual_resume") != ""
	if v.formValue("methods") == string(monitor.PostOnly) {
		methods = string(monitor.PostOnly)
	}
	e := manage.HeartbeatEdit{
		Name: new(v.formValue("name")), Description: new(v.formValue("description")), Tags: &tags,
		Grace: new(v.formValue("grace")), Methods: &methods, ManualResume: &stays,
	}
	v.readSchedule(&e)
	v.readLimits(&e, before)
	e.InputFaults = append(e.InputFaults, v.durationsWithoutUnit()...)
	var chosen []string // nil: all
	if v.formValue("channels") == "some" {
		chosen = append([]string{}, v.r.PostForm["channel"]...)
		if len(chosen) == 0 {
			e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, "channels", "Choose at least one channel, or all of the project."))
		}
	}
	e.Channels = &chosen
	return e
}

// chosenSchedule is the way that the form says the schedule.
func (v *request) chosenSchedule() string {
	switch s := v.formValue("schedule"); s {
	case scheduleCron, scheduleOnCalendar:
		return s
	}
	return scheduleInterval
}

// splitLines are those of a text area, empty ones included, so that a mistake is
// told about the line that its writer sees.
func splitLines(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// submittedHeartbeat is the form as it was sent, with what is wrong beside each field.
func (v *request) submittedHeartbeat(about map[string]string) view.HeartbeatForm {
	in := func(field string) view.Input { return view.Input{Value: v.formValue(field), Error: about[field]} }
	f := view.HeartbeatForm{
		Schedule: v.chosenSchedule(), Name: in("name"), Interval: in("interval"), Grace: in("grace"),
		Cron: v.submittedLines(scheduleCron, about), OnCalendar: v.submittedLines(scheduleOnCalendar, about),
		CronZone: view.Input{Value: v.formValue("cron_timezone")}, OnCalendarZone: view.Input{Value: v.formValue("oncalendar_timezone")},
		Tags: in("tags"), Description: in("description"),
		MaxRunTime: in("max_run_time"), MinRunTime: in("min_run_time"), StartGrace: in("start_grace"),
		AlertAfter: in("alert_after"), Early: in("early"), ExpectFirstBy: in("expect_first_by"),
		PostOnly: v.formValue("methods") == string(monitor.PostOnly), ManualResume: v.formValue("manual_resume") != "",
		SelectedChannelsOnly: v.formValue("channels") == "some", ChannelError: about["channels"],
	}
	switch f.Schedule {
	case scheduleCron:
		f.CronZone.Error = about["timezone"]
	case scheduleOnCalendar:
		f.OnCalendarZone.Error = about["timezone"]
	}
	return f
}

// submittedLines is a text area of which one line may be wrong: "cron[1]" is the second.
func (v *request) submittedLines(field string, about map[string]string) view.Input {
	in := view.Input{Value: v.formValue(field), Error: about[field]}
	for _, at := range slices.Sorted(maps.Keys(about)) {
		index, ok := strings.CutPrefix(at, field+"[")
		if !ok || in.Error != "" {
			continue
		}
		in.Error = about[at]
		if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && len(splitLines(strings.TrimSpace(in.Value))) > 1 {
			in.Error = fmt.Sprintf("Line %d: %s", n+1, in.Error)
		}
	}
	return in
}

// parseLocalTime reads a moment in the zone of the project. It is false when it is
// none.
func (v *request) parseLocalTime(text string) (time.Time, bool) {
	for _, layout := range []string{dateTimeLayout, dateTimeLayout + ":05"} {
		if at, err := time.ParseInLocation(layout, text, v.clock.Zone); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// readSchedule reads the schedule that was chosen. The others are not given, and
// so what was there is replaced.
func (v *request) readSchedule(e *manage.HeartbeatEdit) {
	switch v.chosenSchedule() {
	case scheduleCron:
		e.Cron, e.Timezone = new(splitLines(v.formValue("cron"))), new(strings.TrimSpace(v.formValue("cron_timezone")))
	case scheduleOnCalendar:
		e.OnCalendar, e.Timezone = new(splitLines(v.formValue("oncalendar"))), new(strings.TrimSpace(v.formValue("oncalendar_timezone")))
	default:
		e.Interval = new(v.formValue("interval"))
	}
}

// readLimits reads the rules for runs. An empty control is the usual.
func (v *request) readLimits(e *manage.HeartbeatEdit, before monitor.Rule) {
	given := func(field string) *string { return new(strings.TrimSpace(v.formValue(field))) }
	e.MaxRunTime, e.MinRunTime, e.StartGrace, e.Early = given("max_run_time"), given("min_run_time"), given("start_grace"), given("early")
	e.AlertAfter = new(1)
	if text := strings.TrimSpace(v.formValue("alert_after")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = 0 // which is refused, with what to write
		}
		e.AlertAfter = &n
	}
	e.ExpectFirstBy = given("expect_first_by")
	switch at, ok := v.parseLocalTime(*e.ExpectFirstBy); {
	case *e.ExpectFirstBy == "":
	case *e.ExpectFirstBy == v.clock.FormTime(before.ExpectFirstBy):
		e.ExpectFirstBy = nil // the control knows no seconds: it was not touched
	case ok:
		e.ExpectFirstBy = new(at.Format(time.RFC3339))
	default:
		e.ExpectFirstBy = nil
		e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, "expect_first_by", "Write a date and a time of day, such as 2026-03-14T12:00."))
	}
}

// savedHeartbeat is the form as the heartbeat was saved.
func (v *request) savedHeartbeat(h monitor.Heartbeat) view.HeartbeatForm {
	r := h.Rule
	zone := view.Input{Value: v.actor.Project.Zone}
	f := view.HeartbeatForm{
		Schedule: scheduleInterval, CronZone: zone, OnCalendarZone: zone,
		Name: view.Input{Value: h.Name}, Grace: view.Input{Value: view.ExactDuration(r.Grace)},
		Tags: view.Input{Value: strings.Join(h.Tags, ", ")}, Description: view.Input{Value: h.Description},
		MaxRunTime: durationInput(r.MaxRunTime), MinRunTime: durationInput(r.MinRunTime), StartGrace: durationInput(r.StartGrace),
		ExpectFirstBy: view.Input{Value: v.clock.FormTime(r.ExpectFirstBy)},
		PostOnly:      r.Methods == monitor.PostOnly, ManualResume: r.ManualResume, SelectedChannelsOnly: !h.AllChannels,
	}
	if r.Early >= 0 {
		f.Early.Value = view.ExactDuration(r.Early)
	}
	if r.AlertAfter > 1 {
		f.AlertAfter.Value = strconv.Itoa(r.AlertAfter)
	}
	switch c := r.Calendar; {
	case c == nil:
		f.Interval = durationInput(r.Interval)
	case c.Kind() == monitor.Cron:
		f.Schedule, f.Cron.Value, f.CronZone.Value = scheduleCron, strings.Join(c.Lines(), "\n"), c.Zone()
	default:
		f.Schedule, f.OnCalendar.Value, f.OnCalendarZone.Value = scheduleOnCalendar, strings.Join(c.Lines(), "\n"), c.Zone()
	}
	return f
}

// durationInput is a duration that someone set, nothing for 0.
func durationInput(d time.Duration) view.Input {
	if d == 0 {
		return view.Input{}
	}
	return view.Input{Value: view.ExactDuration(d)}
}
