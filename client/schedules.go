package client

import (
	"context"
	"time"
)

// ScheduleQuery selects a schedule to preview: exactly one of Interval, Cron and
// OnCalendar.
type ScheduleQuery struct {
	Interval   any      `json:"interval,omitempty"` // seconds, or a text such as "24h"
	Cron       []string `json:"cron,omitempty"`
	OnCalendar []string `json:"oncalendar,omitempty"`
	// Timezone is an IANA name; empty is the zone of the project.
	Timezone string `json:"timezone,omitempty"`
	// After is the start of the preview; nil is now.
	After *time.Time `json:"after,omitempty"`
	// Count is the number of slots in each direction: 5 if 0, maximum 50.
	Count int `json:"count,omitempty"`
}

// SchedulePreview describes a schedule.
type SchedulePreview struct {
	Words        string        `json:"words" doc:"Description of the schedule"`
	Timezone     *string       `json:"timezone" doc:"Current name of the zone of the slots; null for an interval, which has no zone"`
	Next         []Slot        `json:"next" nullable:"false" doc:"The next slots, earliest first. For an interval: when each ping is due if one arrives now and each further one exactly on time"`
	Previous     []Slot        `json:"previous" nullable:"false" doc:"The previous slots, latest first. Empty for an interval, which has no slots without pings"`
	ClockChanges []ClockChange `json:"clock_changes" nullable:"false" doc:"The next changes of the clock that affect a slot, or between the next slots"`
}

// Slot is a time at which a ping is due.
type Slot struct {
	At    time.Time `json:"at" doc:"In UTC"`
	Local string    `json:"local" format:"date-time" doc:"In the time zone, with its offset"`
}

// ClockChange is a change of the clock and its effect on a schedule.
type ClockChange struct {
	At       time.Time `json:"at"`
	Timezone string    `json:"timezone"`
	Effect   string    `json:"effect" enum:"shifted,skipped,made_up,once,twice" doc:"shifted: slots keep their local time; skipped: some slots do not occur; made_up: skipped slots are due right after the change; once, twice: slots whose local time occurs twice are due the first time only, or both times"`
	Text     string    `json:"text" doc:"Description for people"`
}

// PreviewSchedule describes a schedule and its slots. A read-only key is sufficient.
func (c *Client) PreviewSchedule(ctx context.Context, q ScheduleQuery) (SchedulePreview, error) {
	return fetchValue[SchedulePreview](ctx, c, call{method: "POST", path: "/schedules/preview", body: q})
}
