package ui_test

import (
	"testing"
	"time"
	_ "time/tzdata" // Berlin, also on a machine without zone files

	"overdue/internal/web/view/ui"
)

func TestClock_ShowsTimesInTheZoneOfTheProject(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := ui.Clock{Now: utc("2025-10-14T20:09:04Z"), Zone: berlin}
	at, old := utc("2025-10-14T17:54:13Z"), utc("2024-12-31T23:30:00Z")
	for _, w := range []struct{ got, want string }{
		{c.Time(at), "19:54:13"},
		{c.Minute(at), "19:54"},
		{c.Date(at), "Tue 14 Oct"},
		{c.DateTime(at), "Tue 14 Oct, 19:54:13"},
		{c.ShortDateTime(at), "Tue 14 Oct, 19:54"},
		{c.FullDateTime(at), "Tue 14 Oct 2025, 19:54:13"},
		{c.Spoken(at), "Tuesday 19:54:13"},
		{c.Date(old), "Wed 1 Jan"}, // in Berlin, the new year has begun
		{c.Day(old.Add(-24 * time.Hour)), "31 Dec 2024"},
		{c.Since(at), "2h 14m"},
		{c.Until(utc("2025-10-15T01:00:04Z")), "4h 51m"},
		{c.Ago(utc("2025-10-14T01:00:04Z")), "19h ago"},
		{c.Localize("Late: due 2025-10-14 17:54:13 UTC, at 17:54 UTC."), "Late: due Tue 14 Oct 19:54:13, at 17:54 UTC."},
		{c.Localize("2025-99-14 17:54:13 UTC"), "2025-99-14 17:54:13 UTC"},
		{c.FormTime(at), "2025-10-14T19:54"},
		{c.FormTime(time.Time{}), ""},
		{c.ZoneName(), "Europe/Berlin"},
		{ui.Clock{Now: c.Now}.Time(at), "17:54:13"},
		{ui.Clock{}.ZoneName(), "UTC"},
	} {
		if w.got != w.want {
			t.Errorf("reads %q; want %q", w.got, w.want)
		}
	}
}

// utc parses a time of a table; a mistake shows as the zero time.
func utc(s string) time.Time {
	t, _ := time.Parse(time.RFC3339, s)
	return t
}
