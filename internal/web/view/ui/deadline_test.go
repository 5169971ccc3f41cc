package ui

import (
	"testing"
	"time"
)

func TestDeadline_NeedleIsLinearWithinEachSection(t *testing.T) {
	d := Deadline{Ping: moment("2025-10-14T16:44:13Z"), Due: moment("2025-10-14T17:44:13Z"), Alert: moment("2025-10-14T17:54:13Z")}
	for now, want := range map[string]string{
		"2025-10-14T16:00:00Z": "0.00%", // a clock that is slow
		"2025-10-14T16:44:13Z": "0.00%",
		"2025-10-14T17:14:13Z": "29.00%",
		"2025-10-14T17:44:13Z": "58.00%",
		"2025-10-14T17:49:13Z": "69.00%",
		"2025-10-14T17:54:13Z": "80.00%",
		"2025-10-14T20:09:04Z": "93.17%",
		"2026-10-14T20:09:04Z": "97.00%",
	} {
		if got := d.needle(moment(now)); got != want {
			t.Errorf("at %s the needle is at %s; want %s", now, got, want)
		}
	}
}

func TestDeadline_DoesNotMoveWithoutAPing(t *testing.T) {
	for name, d := range map[string]Deadline{
		"nothing":  {},
		"no due":   {Ping: moment("2025-10-14T16:44:13Z")},
		"inverted": {Ping: moment("2025-10-14T16:44:13Z"), Due: moment("2025-10-14T15:44:13Z"), Alert: moment("2025-10-14T17:44:13Z")},
	} {
		if d.live() || d.data() != nil {
			t.Errorf("%s: the bar moves", name)
		}
	}
}

func moment(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}
