package client

import (
	"context"
	"time"
)

// ScheduleQuery asks what a schedule means: exactly one of Interval, Cron and
// OnCalendar.
type ScheduleQuery struct {
	Interval   any      `json:"interval,omitempty"` // seconds, or a text such as "24h"
	Cron       []string `json:"cron,omitempty"`
	OnCalendar []string `json:"oncalendar,omitempty"`
	// Timezone is an IANA name; empty is the zone of the project.
	Timezone string `json:"timezone,omitempty"`
	// After is the moment to look from; nil is now.
	After *time.Time `json:"after,omitempty"`
	// Count is how many slots are wanted in either direction, 5 when 0, at most 50.
	Count int `json:"count,omitempty"`
}

// SchedulePreview is what a schedule means.
type SchedulePreview struct {
	Words        string        `json:"words" doc:"The schedule in plain words"`
	Timezone     *string       `json:"timezone" doc:"The name that the zone of the slots has today; null for an interval, which knows no zone"`
	Next         []Slot        `json:"next" nullable:"false" doc:"The next slots after the moment, soonest first. Of an interval: when each ping would be due, if one came at the moment and each after it exactly on time"`
	Previous     []Slot        `json:"previous" nullable:"false" doc:"The slots up to and with the moment, latest first. Empty for an interval, which has none without pings"`
	ClockChanges []ClockChange `json:"clock_changes" nullable:"false" doc:"The next changes of the clock that touch a slot, or that the next slots lie on both sides of"`
}

// Slot is a moment at which a ping is due.
type Slot struct {
	At    time.Time `json:"at" doc:"In UTC"`
	Local string    `json:"local" format:"date-time" doc:"The same in the time zone, with its offset"`
}

// ClockChange is a change of the clock and what it does to a schedule.
type ClockChange struct {
	At       time.Time `json:"at"`
	Timezone string    `json:"timezone"`
	Effect   string    `json:"effect" enum:"shifted,skipped,made_up,once,twice" doc:"shifted: slots keep their time on the clock; skipped: some do not occur; made_up: those that are skipped are due right after the change; once, twice: those that the clock shows twice are due the first time only, or both times"`
	Text     string    `json:"text" doc:"In a sentence for people"`
}

// PreviewSchedule returns what a schedule means, and when it would be due. A
// read-only key may ask.
func (c *Client) PreviewSchedule(ctx context.Context, q ScheduleQuery) (SchedulePreview, error) {
	return fetchValue[SchedulePreview](ctx, c, call{method: "POST", path: "/schedules/preview", body: q})
}
