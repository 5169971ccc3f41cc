package heartbeatview

import (
	"strings"

	"overdue/internal/web/view/ui"
)

// Names of the fields of the schedule presets.
const (
	PresetField       = "preset"
	PresetTimeField   = "at"
	DefaultPresetTime = "03:00"
)

// SchedulePreset is a common schedule. Its button fills in the schedule: an interval,
// or a cron expression at the time of day that the form has.
type SchedulePreset struct {
	Name, Label string
	Interval    string // "5m"; empty for a cron expression
	CronDays    string // the last three fields of the cron expression
}

// SchedulePresets has the schedules that people use most.
var SchedulePresets = []SchedulePreset{
	{Name: "5m", Label: "5 min", Interval: "5m"},
	{Name: "10m", Label: "10 min", Interval: "10m"},
	{Name: "15m", Label: "15 min", Interval: "15m"},
	{Name: "30m", Label: "30 min", Interval: "30m"},
	{Name: "hourly", Label: "hour", Interval: "1h"},
	{Name: "daily", Label: "Every day", CronDays: "* * *"},
	{Name: "weekdays", Label: "Weekdays", CronDays: "* * 1-5"},
	{Name: "sundays", Label: "Sundays", CronDays: "* * 0"},
	{Name: "monthly", Label: "1st of the month", CronDays: "1 * *"},
}

// intervalPresets and dayPresets are the two lines of presets.
func intervalPresets() (all []SchedulePreset) {
	for _, p := range SchedulePresets {
		if p.Interval != "" {
			all = append(all, p)
		}
	}
	return all
}

func dayPresets() (all []SchedulePreset) {
	for _, p := range SchedulePresets {
		if p.Interval == "" {
			all = append(all, p)
		}
	}
	return all
}

// isPressed reports whether the form has the schedule of a preset.
func (f FormValues) isPressed(p SchedulePreset) string {
	fields := strings.Fields(f.Cron.Value)
	switch {
	case p.Interval != "":
		return ui.Pressed(f.isSelected(scheduleTabs[0]) && f.Interval.Value == p.Interval)
	case len(fields) != 5 || f.Schedule != "cron":
		return ui.Pressed(false)
	}
	return ui.Pressed(strings.Join(fields[2:], " ") == p.CronDays)
}

// presetTime returns the control of the time of day.
func (f FormValues) presetTime() ui.Control {
	c := ui.Control{
		ID: "preset-at", Name: PresetTimeField, Label: "Time of day", In: f.PresetTime, MaxLength: 5, Autocomplete: "off",
	}
	if c.In.Value == "" {
		c.In.Value = DefaultPresetTime
	}
	return c
}
