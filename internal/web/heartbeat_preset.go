package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"overdue/internal/web/view/heartbeatview"
)

// applyPreset fills in the schedule of the pressed preset button. It returns false if
// none was pressed. The script does the same without a request.
func (req *request) applyPreset() bool {
	name := req.formValue(heartbeatview.PresetField)
	i := slices.IndexFunc(heartbeatview.SchedulePresets, func(p heartbeatview.SchedulePreset) bool { return p.Name == name })
	if i < 0 {
		return false
	}
	p := heartbeatview.SchedulePresets[i]
	if p.Interval != "" {
		req.r.PostForm.Set("schedule", scheduleInterval)
		req.r.PostForm.Set("interval", p.Interval)
		return true
	}
	at, valid := parseTimeOfDay(req.formValue(heartbeatview.PresetTimeField))
	if !valid {
		return true // the form shows the error at the time
	}
	req.r.PostForm.Set("schedule", scheduleCron)
	req.r.PostForm.Set(scheduleCron, fmt.Sprintf("%d %d %s", at.Minute(), at.Hour(), p.CronDays))
	return true
}

// presetTimeFault returns the error of the time of day of a pressed preset, or "".
func (req *request) presetTimeFault() string {
	if req.formValue(heartbeatview.PresetField) == "" {
		return ""
	}
	if _, valid := parseTimeOfDay(req.formValue(heartbeatview.PresetTimeField)); valid {
		return ""
	}
	return "Enter a time of day in 24-hour form, for example 03:00."
}

// parseTimeOfDay parses "3:00" or "03:00". An empty text is the default.
func parseTimeOfDay(text string) (time.Time, bool) {
	if text = strings.TrimSpace(text); text == "" {
		text = heartbeatview.DefaultPresetTime
	}
	at, err := time.Parse("15:04", text)
	return at, err == nil
}
