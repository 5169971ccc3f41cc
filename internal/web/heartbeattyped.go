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
	byInterval   = "interval"
	byCron       = "cron"
	byOnCalendar = "oncalendar"
)

// formTime is how a browser sends a date and a time (HTML, "local date and time
// string"). Seconds come only when there are some.
const formTime = "2006-01-02T15:04"

// heartbeatEdit reads the form. before is the rule of the heartbeat that is
// edited.
func (v *visit) heartbeatEdit(before monitor.Rule) manage.HeartbeatEdit {
	tags := strings.Split(v.text("tags"), ",")
	methods, stays := string(monitor.AnyMethod), v.text("manual_resume") != ""
	if v.text("methods") == string(monitor.PostOnly) {
		methods = string(monitor.PostOnly)
	}
	e := manage.HeartbeatEdit{
		Name: new(v.text("name")), Description: new(v.text("description")), Tags: &tags,
		Grace: new(v.text("grace")), MaxRunTime: new(strings.TrimSpace(v.text("max_run_time"))),
		Methods: &methods, ManualResume: &stays,
	}
	v.scheduleEdit(&e)
	v.limitsEdit(&e, before)
	var chosen []string // nil: all
	if v.text("channels") == "some" {
		chosen = append([]string{}, v.r.PostForm["channel"]...)
		if len(chosen) == 0 {
			e.Found = append(e.Found, monitor.Wrong(monitor.Invalid, "channels", "Choose at least one channel, or all of the project."))
		}
	}
	e.Channels = &chosen
	return e
}

// chosenSchedule is the way that the form says the schedule.
func (v *visit) chosenSchedule() string {
	switch s := v.text("schedule"); s {
	case byCron, byOnCalendar:
		return s
	}
	return byInterval
}

// lines are those of a text area, empty ones included, so that a mistake is
// told about the line that its writer sees.
func lines(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// typed is the form as it was sent, with what is wrong beside each field.
func (v *visit) typed(about map[string]string) view.HeartbeatForm {
	in := func(field string) view.Input { return view.Input{Value: v.text(field), Error: about[field]} }
	f := view.HeartbeatForm{
		Schedule: v.chosenSchedule(), Name: in("name"), Interval: in("interval"), Grace: in("grace"),
		Cron: v.typedLines(byCron, about), OnCalendar: v.typedLines(byOnCalendar, about),
		CronZone: view.Input{Value: v.text("cron_timezone")}, OnCalendarZone: view.Input{Value: v.text("oncalendar_timezone")},
		Tags: in("tags"), Description: in("description"),
		MaxRunTime: in("max_run_time"), MinRunTime: in("min_run_time"), StartGrace: in("start_grace"),
		AlertAfter: in("alert_after"), Early: in("early"), FirstPing: in("expect_first_by"),
		PostOnly: v.text("methods") == string(monitor.PostOnly), StaysPaused: v.text("manual_resume") != "",
		OnlySome: v.text("channels") == "some", ChannelError: about["channels"],
	}
	switch f.Schedule {
	case byCron:
		f.CronZone.Error = about["timezone"]
	case byOnCalendar:
		f.OnCalendarZone.Error = about["timezone"]
	}
	return f
}

// typedLines is a text area of which one line may be wrong: "cron[1]" is the second.
func (v *visit) typedLines(field string, about map[string]string) view.Input {
	in := view.Input{Value: v.text(field), Error: about[field]}
	for _, at := range slices.Sorted(maps.Keys(about)) {
		index, ok := strings.CutPrefix(at, field+"[")
		if !ok || in.Error != "" {
			continue
		}
		in.Error = about[at]
		if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && len(lines(strings.TrimSpace(in.Value))) > 1 {
			in.Error = fmt.Sprintf("Line %d: %s", n+1, in.Error)
		}
	}
	return in
}

// localMoment reads a moment in the zone of the project. It is false when it is
// none.
func (v *visit) localMoment(text string) (time.Time, bool) {
	for _, layout := range []string{formTime, formTime + ":05"} {
		if at, err := time.ParseInLocation(layout, text, v.clock.Zone); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// scheduleEdit reads the schedule that was chosen.
func (v *visit) scheduleEdit(e *manage.HeartbeatEdit) {
	e.Interval = new(v.text("interval"))
}

// limitsEdit reads the rules for runs.
func (v *visit) limitsEdit(e *manage.HeartbeatEdit, before monitor.Rule) {
}

// saved is the form as the heartbeat was saved.
func (v *visit) saved(h monitor.Heartbeat) view.HeartbeatForm {
	zone := view.Input{Value: v.actor.Project.Zone}
	f := view.HeartbeatForm{
		Schedule: byInterval, CronZone: zone, OnCalendarZone: zone,
		Name: view.Input{Value: h.Name}, Interval: view.Input{Value: view.Span(h.Rule.Interval)}, Grace: view.Input{Value: view.Span(h.Rule.Grace)},
		Tags: view.Input{Value: strings.Join(h.Tags, ", ")}, Description: view.Input{Value: h.Description},
		PostOnly: h.Rule.Methods == monitor.PostOnly, StaysPaused: h.Rule.ManualResume, OnlySome: !h.AllChannels,
	}
	if h.Rule.MaxRunTime > 0 {
		f.MaxRunTime.Value = view.Span(h.Rule.MaxRunTime)
	}
	return f
}
