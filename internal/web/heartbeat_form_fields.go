package web

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/present"
	"overdue/internal/web/view/heartbeatview"
	"overdue/internal/web/view/ui"
)

// The kinds of schedule, as values of the form.
const (
	scheduleInterval   = "interval"
	scheduleCron       = "cron"
	scheduleOnCalendar = "oncalendar"
)

// dateTimeLayout is the format of a date and time in a form (HTML, "local date and
// time string"). Browsers omit seconds that are zero.
const dateTimeLayout = "2006-01-02T15:04"

// heartbeatEdit parses the form. before is the rule of the edited heartbeat.
func (req *request) heartbeatEdit(before monitor.Rule) manage.HeartbeatEdit {
	tags := strings.Split(req.formValue("tags"), ",")
	methods, stays := string(monitor.AnyMethod), req.formValue("manual_resume") != ""
	if req.formValue("methods") == string(monitor.PostOnly) {
		methods = string(monitor.PostOnly)
	}
	e := manage.HeartbeatEdit{
		Name: new(req.formValue("name")), Description: new(req.formValue("description")), Tags: &tags,
		Grace: new(req.formValue("grace")), Methods: &methods, ManualResume: &stays,
	}
	for _, f := range manage.SelectFields() {
		if req.r.PostForm.Has(f.Name) {
			f.Set(&e, new(req.formValue(f.Name)))
		}
	}
	req.readSchedule(&e)
	req.readLimits(&e, before)
	e.InputFaults = append(e.InputFaults, req.durationsWithoutUnit()...)
	var chosen []string // nil: all
	if req.formValue("channels") == "some" {
		chosen = append([]string{}, req.r.PostForm["channel"]...)
		if len(chosen) == 0 {
			e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, "channels", "Choose at least one channel, or all channels of the project."))
		}
	}
	e.Channels, e.Policy = &chosen, new(req.chosenPolicy())
	return e
}

// chosenPolicy returns the slug of the selected policy, "" for none.
func (req *request) chosenPolicy() string {
	slug, _ := strings.CutPrefix(req.formValue("channels"), heartbeatview.PolicyPrefix)
	if slug == req.formValue("channels") {
		return ""
	}
	return slug
}

// chosenSchedule returns the selected kind of schedule.
func (req *request) chosenSchedule() string {
	switch s := req.formValue("schedule"); s {
	case scheduleCron, scheduleOnCalendar:
		return s
	}
	return scheduleInterval
}

// splitLines splits the text of a text area. It keeps empty lines, so that line
// numbers in errors match the text area.
func splitLines(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// submittedHeartbeat returns the submitted form, with the error of each field.
func (req *request) submittedHeartbeat(fieldErrs map[string]string) heartbeatview.FormValues {
	in := func(field string) ui.Input { return ui.Input{Value: req.formValue(field), Error: fieldErrs[field]} }
	f := heartbeatview.FormValues{
		Schedule: req.chosenSchedule(), Name: in("name"), Interval: in("interval"), Grace: in("grace"),
		Cron: req.submittedLines(scheduleCron, fieldErrs), OnCalendar: req.submittedLines(scheduleOnCalendar, fieldErrs),
		CronZone: ui.Input{Value: req.formValue("cron_timezone")}, OnCalendarZone: ui.Input{Value: req.formValue("oncalendar_timezone")},
		PresetTime: ui.Input{Value: req.formValue(heartbeatview.PresetTimeField), Error: req.presetTimeFault()},
		Tags:       in("tags"), Description: in("description"),
		MaxRunTime: in("max_run_time"), MinRunTime: in("min_run_time"), StartGrace: in("start_grace"),
		AlertAfter: in("alert_after"), Instances: in("instances"), Early: in("early"), ExpectFirstBy: in("expect_first_by"),
		PostOnly: req.formValue("methods") == string(monitor.PostOnly), ManualResume: req.formValue("manual_resume") != "",
		SelectedChannelsOnly: req.formValue("channels") == "some", Policy: req.chosenPolicy(), ChannelError: fieldErrs["channels"] + fieldErrs["policy"],
		Selects: selects(func(f manage.HeartbeatField) string { return req.formValue(f.Name) }),
	}
	switch f.Schedule {
	case scheduleCron:
		f.CronZone.Error = fieldErrs["timezone"]
	case scheduleOnCalendar:
		f.OnCalendarZone.Error = fieldErrs["timezone"]
	}
	return f
}

// submittedLines returns a text area. The field "cron[1]" has the error of its
// second line.
func (req *request) submittedLines(field string, fieldErrs map[string]string) ui.Input {
	in := ui.Input{Value: req.formValue(field), Error: fieldErrs[field]}
	for _, at := range slices.Sorted(maps.Keys(fieldErrs)) {
		index, ok := strings.CutPrefix(at, field+"[")
		if !ok || in.Error != "" {
			continue
		}
		in.Error = fieldErrs[at]
		if n, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && len(splitLines(strings.TrimSpace(in.Value))) > 1 {
			in.Error = fmt.Sprintf("Line %d: %s", n+1, in.Error)
		}
	}
	return in
}

// parseLocalTime parses a time in the zone of the project. It returns false if the
// text is no time.
func (req *request) parseLocalTime(text string) (time.Time, bool) {
	for _, layout := range []string{dateTimeLayout, dateTimeLayout + ":05"} {
		if at, err := time.ParseInLocation(layout, text, req.clock.Zone); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// readSchedule parses the selected schedule. The edit omits the others, so it
// replaces the saved schedule.
func (req *request) readSchedule(e *manage.HeartbeatEdit) {
	switch req.chosenSchedule() {
	case scheduleCron:
		e.Cron, e.Timezone = new(splitLines(req.formValue("cron"))), new(strings.TrimSpace(req.formValue("cron_timezone")))
	case scheduleOnCalendar:
		e.OnCalendar, e.Timezone = new(splitLines(req.formValue("oncalendar"))), new(strings.TrimSpace(req.formValue("oncalendar_timezone")))
	default:
		e.Interval = new(req.formValue("interval"))
	}
}

// readLimits parses the rules for runs. An empty field selects the default.
func (req *request) readLimits(e *manage.HeartbeatEdit, before monitor.Rule) {
	given := func(field string) *string { return new(strings.TrimSpace(req.formValue(field))) }
	e.MaxRunTime, e.MinRunTime, e.StartGrace, e.Early = given("max_run_time"), given("min_run_time"), given("start_grace"), given("early")
	e.Instances, e.AlertAfter = given("instances"), new(1)
	if text := strings.TrimSpace(req.formValue("alert_after")); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = 0 // is rejected with the valid range
		}
		e.AlertAfter = &n
	}
	e.ExpectFirstBy = given("expect_first_by")
	switch at, ok := req.parseLocalTime(*e.ExpectFirstBy); {
	case *e.ExpectFirstBy == "":
	case *e.ExpectFirstBy == req.clock.FormTime(before.ExpectFirstBy):
		e.ExpectFirstBy = nil // unchanged: the field shows no seconds
	case ok:
		e.ExpectFirstBy = new(at.Format(time.RFC3339))
	default:
		e.ExpectFirstBy = nil
		e.InputFaults = append(e.InputFaults, monitor.Faultf(monitor.Invalid, "expect_first_by", "Enter a date and a time of day, for example 2026-03-14T12:00."))
	}
}

// savedHeartbeat returns the form with the saved values.
func (req *request) savedHeartbeat(h monitor.Heartbeat) heartbeatview.FormValues {
	r := h.Rule
	zone := ui.Input{Value: req.actor.Project.Zone}
	f := heartbeatview.FormValues{
		Schedule: scheduleInterval, CronZone: zone, OnCalendarZone: zone,
		Name: ui.Input{Value: h.Name}, Grace: ui.Input{Value: ui.ExactDuration(r.Grace)},
		Tags: ui.Input{Value: strings.Join(h.Tags, ", ")}, Description: ui.Input{Value: h.Description},
		MaxRunTime: durationInput(r.MaxRunTime), MinRunTime: durationInput(r.MinRunTime), StartGrace: durationInput(r.StartGrace),
		ExpectFirstBy: ui.Input{Value: req.clock.FormTime(r.ExpectFirstBy)},
		PostOnly:      r.Methods == monitor.PostOnly, ManualResume: r.ManualResume, SelectedChannelsOnly: !h.AllChannels, Policy: h.Policy,
		Selects: selects(func(f manage.HeartbeatField) string { return f.Value(h) }),
	}
	if r.Early >= 0 {
		f.Early.Value = ui.ExactDuration(r.Early)
	}
	if r.Instances != monitor.AnyHost {
		f.Instances.Value = r.Instances.String()
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

// selects returns the lists of options of the form.
func selects(value func(manage.HeartbeatField) string) []heartbeatview.Select {
	var all []heartbeatview.Select
	for _, f := range manage.SelectFields() {
		s := heartbeatview.Select{Name: f.Name, Label: f.Label, Value: value(f)}
		for _, o := range f.Options {
			s.Options = append(s.Options, ui.Option{Value: o.Value, Label: o.Label})
		}
		all = append(all, s)
	}
	return all
}

// durationInput returns the value of a duration field, which is empty for 0.
func durationInput(d time.Duration) ui.Input {
	if d == 0 {
		return ui.Input{}
	}
	return ui.Input{Value: ui.ExactDuration(d)}
}

// durationFields are the fields with a duration. The interval counts only if it is
// the selected schedule.
var durationFields = []string{"interval", "grace", "max_run_time", "min_run_time", "start_grace", "early"}

// suggestedFields are the fields that a suggestion button (ui.SuggestionField)
// can fill in.
var suggestedFields = append([]string{"schedule", "cron", "cron_timezone", "oncalendar", "oncalendar_timezone"}, durationFields...)

// maxSuggestionSize is the maximum size in bytes of the value of a suggestion
// button. It holds the whole text area.
const maxSuggestionSize = 4096

// applySuggestion fills in the suggestion of the pressed button. It returns false
// if none was pressed.
func (req *request) applySuggestion() bool {
	text := req.formValue(ui.SuggestionField)
	if text == "" {
		return false
	}
	values, _ := url.ParseQuery(text) // invalid pairs are not filled in
	for _, field := range suggestedFields {
		if values.Has(field) {
			req.r.PostForm.Set(field, values.Get(field))
		}
	}
	return true
}

// durationsWithoutUnit returns a fault for each duration without a unit.
func (req *request) durationsWithoutUnit() (found monitor.Faults) {
	for _, field := range durationFields {
		if field == "interval" && req.chosenSchedule() != scheduleInterval {
			continue
		}
		text := strings.TrimSpace(req.formValue(field))
		if choices, bare := schedule.DurationsWithoutUnit(text); bare {
			found = append(found, monitor.Faultf(monitor.Invalid, field, "%s has no unit. Choose one, or write %s.", text, schedule.JoinAlternatives(choices)))
		}
	}
	return found
}

// withSuggestions adds suggestions as buttons to the fields with faults.
func (req *request) withSuggestions(f heartbeatview.FormValues, err error) heartbeatview.FormValues {
	for field, in := range map[string]*ui.Input{
		"interval": &f.Interval, "grace": &f.Grace, "max_run_time": &f.MaxRunTime, "min_run_time": &f.MinRunTime,
		"start_grace": &f.StartGrace, "early": &f.Early,
	} {
		choices, _ := schedule.DurationsWithoutUnit(in.Value)
		for _, c := range choices {
			if in.Error != "" {
				in.Suggestions = append(in.Suggestions, ui.Option{Value: url.Values{field: {c}}.Encode(), Label: present.LongDuration(c)})
			}
		}
	}
	var faults monitor.Faults
	if !errors.As(err, &faults) {
		return f
	}
	for _, fault := range faults {
		field, index, _ := strings.Cut(strings.TrimSuffix(fault.Field, "]"), "[")
		at, _ := strconv.Atoi(index)
		switch field {
		case scheduleCron:
			f.Cron.Suggestions = append(f.Cron.Suggestions, req.suggestionChoices(field, at, fault.Suggestions)...)
		case scheduleOnCalendar:
			f.OnCalendar.Suggestions = append(f.OnCalendar.Suggestions, req.suggestionChoices(field, at, fault.Suggestions)...)
		}
	}
	return f
}

// suggestionChoices returns the suggestion buttons of one line. A suggestion of
// another kind replaces the whole schedule, so it is offered only if there is one
// line.
func (req *request) suggestionChoices(field string, at int, suggestions []schedule.Suggestion) (choices []ui.Option) {
	typed := splitLines(req.formValue(field))
	filled := 0
	for _, line := range typed {
		if strings.TrimSpace(line) != "" {
			filled++
		}
	}
	for _, s := range suggestions {
		values := url.Values{"schedule": {s.Kind}, s.Kind: {s.Text}}
		if s.Kind == field {
			all := slices.Clone(typed)
			all[min(at, len(all)-1)] = s.Text
			values.Set(field, strings.Join(all, "\n"))
		}
		if s.Zone != "" {
			values.Set(s.Kind+"_timezone", s.Zone)
		}
		text := values.Encode()
		if (s.Kind != field || s.Zone != "") && filled > 1 || len(text) > maxSuggestionSize {
			continue
		}
		choices = append(choices, ui.Option{Value: text, Label: suggestionLabel(field, s, len(suggestions) > 1)})
	}
	return choices
}

// suggestionLabel returns the label of a suggestion button. It names the dialect if
// the line has several meanings.
func suggestionLabel(field string, s schedule.Suggestion, several bool) string {
	label := "Use " + s.Text
	switch {
	case s.Kind == schedule.KindInterval:
		label = "Use an interval of " + s.Text
	case s.Kind != field:
		label = "Use " + map[string]string{scheduleCron: "Cron", scheduleOnCalendar: "OnCalendar"}[s.Kind] + " " + s.Text
	}
	if s.Zone != "" {
		label += " in " + s.Zone
	}
	if several {
		label += " (" + s.Dialect + ")"
	}
	return label
}

// longGraceRatio is the ratio of grace period to interval from which the form shows
// a hint.
const longGraceRatio = 10

// longGraceHint returns a hint if the grace period is many intervals, or "".
func longGraceHint(next []time.Time, grace time.Duration) string {
	if len(next) < 2 {
		return ""
	}
	gap := next[1].Sub(next[0])
	if gap <= 0 || grace < longGraceRatio*gap {
		return ""
	}
	return fmt.Sprintf("The grace period is %s times the time between two runs: up to %s runs can be missing before an incident opens.",
		ui.Count(int(grace/gap)), ui.Count(int(grace/gap)+1))
}
