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
		Grace: new(v.text("grace")), Methods: &methods, ManualResume: &stays,
	}
	v.scheduleEdit(&e)
	v.limitsEdit(&e, before)
	e.Found = append(e.Found, v.withoutUnit()...)
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

// scheduleEdit reads the schedule that was chosen. The others are not given, and
// so what was there is replaced.
func (v *visit) scheduleEdit(e *manage.HeartbeatEdit) {
	switch v.chosenSchedule() {
	case byCron:
		e.Cron, e.Timezone = new(lines(v.text("cron"))), new(strings.TrimSpace(v.text("cron_timezone")))
	case byOnCalendar:
		e.OnCalendar, e.Timezone = new(lines(v.text("oncalendar"))), new(strings.TrimSpace(v.text("oncalendar_timezone")))
	default:
		e.Interval = new(v.text("interval"))
	}
}

// limitsEdit reads the rules for runs. An empty control is the usual.
func (v *visit) limitsEdit(e *manage.HeartbeatEdit, before monitor.Rule) {
	given := func(field string) *string { return new(strings.TrimSpace(v.text(field))) }
	e.MaxRunTime, e.MinRunTime, e.StartGrace, e.Early = given("max_run_time"), given("min_run_time"), given("start_grace"), given("early")
	e.AlertAfter = new(1)
	if text := strings.TrimSpace(v.text("alert_after")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = 0 // which is refused, with what to write
		}
		e.AlertAfter = &n
	}
	e.ExpectFirstBy = given("expect_first_by")
	switch at, ok := v.localMoment(*e.ExpectFirstBy); {
	case *e.ExpectFirstBy == "":
	case *e.ExpectFirstBy == v.clock.FormTime(before.ExpectFirstBy):
		e.ExpectFirstBy = nil // the control knows no seconds: it was not touched
	case ok:
		e.ExpectFirstBy = new(at.Format(time.RFC3339))
	default:
		e.ExpectFirstBy = nil
		e.Found = append(e.Found, monitor.Wrong(monitor.Invalid, "expect_first_by", "Write a date and a time of day, such as 2026-03-14T12:00."))
	}
}

// saved is the form as the heartbeat was saved.
func (v *visit) saved(h monitor.Heartbeat) view.HeartbeatForm {
	r := h.Rule
	zone := view.Input{Value: v.actor.Project.Zone}
	f := view.HeartbeatForm{
		Schedule: byInterval, CronZone: zone, OnCalendarZone: zone,
		Name: view.Input{Value: h.Name}, Grace: view.Input{Value: view.Span(r.Grace)},
		Tags: view.Input{Value: strings.Join(h.Tags, ", ")}, Description: view.Input{Value: h.Description},
		MaxRunTime: spanInput(r.MaxRunTime), MinRunTime: spanInput(r.MinRunTime), StartGrace: spanInput(r.StartGrace),
		FirstPing: view.Input{Value: v.clock.FormTime(r.ExpectFirstBy)},
		PostOnly:  r.Methods == monitor.PostOnly, StaysPaused: r.ManualResume, OnlySome: !h.AllChannels,
	}
	if r.Early >= 0 {
		f.Early.Value = view.Span(r.Early)
	}
	if r.AlertAfter > 1 {
		f.AlertAfter.Value = strconv.Itoa(r.AlertAfter)
	}
	switch c := r.Calendar; {
	case c == nil:
		f.Interval = spanInput(r.Interval)
	case c.Kind() == monitor.Cron:
		f.Schedule, f.Cron.Value, f.CronZone.Value = byCron, strings.Join(c.Lines(), "\n"), c.Zone()
	default:
		f.Schedule, f.OnCalendar.Value, f.OnCalendarZone.Value = byOnCalendar, strings.Join(c.Lines(), "\n"), c.Zone()
	}
	return f
}

// spanInput is a duration that someone set, nothing for 0.
func spanInput(d time.Duration) view.Input {
	if d == 0 {
		return view.Input{}
	}
	return view.Input{Value: view.Span(d)}
}
