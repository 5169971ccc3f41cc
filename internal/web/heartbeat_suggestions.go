package web

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/schedule"
	"overdue/internal/web/view"
)

// durationFields are the fields of the form that take one. An interval is only read if
// it is the chosen schedule.
var durationFields = []string{"interval", "grace", "max_run_time", "min_run_time", "start_grace", "early"}

// suggestedFields are the fields that a button of [view.SuggestionField] can fill in.
var suggestedFields = append([]string{"schedule", "cron", "cron_timezone", "oncalendar", "oncalendar_timezone"}, durationFields...)

// maxSuggestionSize bounds the text of a button, in bytes: it holds the whole text area.
const maxSuggestionSize = 4096

// applySuggestion fills in what a button suggested, and reports whether one was pressed.
func (v *request) applySuggestion() bool {
	text := v.formValue(view.SuggestionField)
	if text == "" {
		return false
	}
	values, _ := url.ParseQuery(text) // what cannot be read is not filled in
	for _, field := range suggestedFields {
		if values.Has(field) {
			v.r.PostForm.Set(field, values.Get(field))
		}
	}
	return true
}

// durationsWithoutUnit returns a fault for each duration without a unit.
func (v *request) durationsWithoutUnit() (found monitor.Faults) {
	for _, field := range durationFields {
		if field == "interval" && v.chosenSchedule() != scheduleInterval {
			continue
		}
		text := strings.TrimSpace(v.formValue(field))
		if choices, bare := schedule.DurationsWithoutUnit(text); bare {
			found = append(found, monitor.Faultf(monitor.Invalid, field, "%s has no unit: write %s.", text, schedule.JoinAlternatives(choices)))
		}
	}
	return found
}

// withSuggestions adds suggestions as buttons to the fields with faults.
func (v *request) withSuggestions(f view.HeartbeatForm, err error) view.HeartbeatForm {
	for field, in := range map[string]*view.Input{
		"interval": &f.Interval, "grace": &f.Grace, "max_run_time": &f.MaxRunTime, "min_run_time": &f.MinRunTime,
		"start_grace": &f.StartGrace, "early": &f.Early,
	} {
		choices, _ := schedule.DurationsWithoutUnit(in.Value)
		for _, c := range choices {
			if in.Error != "" {
				in.Suggestions = append(in.Suggestions, view.Option{Value: url.Values{field: {c}}.Encode(), Label: "Use " + c})
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
			f.Cron.Suggestions = append(f.Cron.Suggestions, v.suggestionChoices(field, at, fault.Suggestions)...)
		case scheduleOnCalendar:
			f.OnCalendar.Suggestions = append(f.OnCalendar.Suggestions, v.suggestionChoices(field, at, fault.Suggestions)...)
		}
	}
	return f
}

// suggestionChoices are the buttons for one line of a text area. A suggestion that belongs
// elsewhere replaces the schedule, so it is offered only for a schedule of one line.
func (v *request) suggestionChoices(field string, at int, suggestions []schedule.Suggestion) (choices []view.Option) {
	typed := splitLines(v.formValue(field))
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
		choices = append(choices, view.Option{Value: text, Label: suggestionLabel(field, s, len(suggestions) > 1)})
	}
	return choices
}

// suggestionLabel returns the label of a suggestion, with the dialect if the line has
// several meanings.
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
		view.Count(int(grace/gap)), view.Count(int(grace/gap)+1))
}
