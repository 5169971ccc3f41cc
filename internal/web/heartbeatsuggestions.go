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

// durations are the fields of the form that take one. An interval is only read if
// it is the chosen schedule.
var durations = []string{"interval", "grace", "max_run_time", "min_run_time", "start_grace", "early"}

// replaceable are the fields that a button of [view.UseInstead] can fill in.
var replaceable = append([]string{"schedule", "cron", "cron_timezone", "oncalendar", "oncalendar_timezone"}, durations...)

// maxReplaced bounds the text of a button, in bytes: it holds the whole text area.
const maxReplaced = 4096

// usesInstead fills in what a button suggested, and reports whether one was pressed.
func (v *visit) usesInstead() bool {
	text := v.text(view.UseInstead)
	if text == "" {
		return false
	}
	values, _ := url.ParseQuery(text) // what cannot be read is not filled in
	for _, field := range replaceable {
		if values.Has(field) {
			v.r.PostForm.Set(field, values.Get(field))
		}
	}
	return true
}

// withoutUnit returns a fault for each duration without a unit.
func (v *visit) withoutUnit() (found monitor.Faults) {
	for _, field := range durations {
		if field == "interval" && v.chosenSchedule() != byInterval {
			continue
		}
		text := strings.TrimSpace(v.text(field))
		if choices, bare := schedule.WithoutUnit(text); bare {
			found = append(found, monitor.Wrong(monitor.Invalid, field, "%s has no unit: write %s.", text, schedule.Alternatives(choices)))
		}
	}
	return found
}

// offered adds suggestions as buttons to the fields with faults.
func (v *visit) offered(f view.HeartbeatForm, err error) view.HeartbeatForm {
	for field, in := range map[string]*view.Input{
		"interval": &f.Interval, "grace": &f.Grace, "max_run_time": &f.MaxRunTime, "min_run_time": &f.MinRunTime,
		"start_grace": &f.StartGrace, "early": &f.Early,
	} {
		choices, _ := schedule.WithoutUnit(in.Value)
		for _, c := range choices {
			if in.Error != "" {
				in.Choices = append(in.Choices, view.Choice{Value: url.Values{field: {c}}.Encode(), Label: "Use " + c})
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
		case byCron:
			f.Cron.Choices = append(f.Cron.Choices, v.insteadOf(field, at, fault.Suggestions)...)
		case byOnCalendar:
			f.OnCalendar.Choices = append(f.OnCalendar.Choices, v.insteadOf(field, at, fault.Suggestions)...)
		}
	}
	return f
}

// insteadOf are the buttons for one line of a text area. A suggestion that belongs
// elsewhere replaces the schedule, so it is offered only for a schedule of one line.
func (v *visit) insteadOf(field string, at int, suggestions []schedule.Suggestion) (choices []view.Choice) {
	typed := lines(v.text(field))
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
		if (s.Kind != field || s.Zone != "") && filled > 1 || len(text) > maxReplaced {
			continue
		}
		choices = append(choices, view.Choice{Value: text, Label: useLabel(field, s, len(suggestions) > 1)})
	}
	return choices
}

// useLabel returns the label of a suggestion, with the dialect if the line has
// several meanings.
func useLabel(field string, s schedule.Suggestion, several bool) string {
	label := "Use " + s.Text
	switch {
	case s.Kind == schedule.KindInterval:
		label = "Use an interval of " + s.Text
	case s.Kind != field:
		label = "Use " + map[string]string{byCron: "Cron", byOnCalendar: "OnCalendar"}[s.Kind] + " " + s.Text
	}
	if s.Zone != "" {
		label += " in " + s.Zone
	}
	if several {
		label += " (" + s.Reading + ")"
	}
	return label
}

// manyIntervals is the ratio of grace period to interval from which the form shows
// a hint.
const manyIntervals = 10

// patience returns a hint if the grace period is many intervals, or "".
func patience(next []time.Time, grace time.Duration) string {
	if len(next) < 2 {
		return ""
	}
	gap := next[1].Sub(next[0])
	if gap <= 0 || grace < manyIntervals*gap {
		return ""
	}
	return fmt.Sprintf("The grace period is %s times the time between two runs: up to %s runs can be missing before an incident opens.",
		view.Count(int(grace/gap)), view.Count(int(grace/gap)+1))
}
