package schedule

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// parseTimestamp parses a time.
func parseTimestamp(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNewPreview_DescribesClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, line, zone, at string
		calendar             bool
		want                 []string
	}{
		{"a fixed cron job is made up for, and runs once", "30 2 * * *", "Europe/Berlin", "2026-11-01T00:00:00Z", false, []string{
			"On Sunday 28 March 2027 the clock skips 02:30. The run is due at 03:00 instead.",
			"On Sunday 31 October 2027 the clock shows 02:30 twice. The run is due the first time only.",
		}},
		{"several at once", "0-45/15 2 * * *", "Europe/Berlin", "2027-03-01T00:00:00Z", false, []string{
			"On Sunday 28 March 2027 the clock skips 02:00 to 02:45. These runs are due at 03:00 instead, all at once.",
			"On Sunday 31 October 2027 the clock shows 02:00 to 02:45 twice. The runs are due the first time only.",
		}},
		{"a wildcard cron job follows the clock", "*/15 2 * * *", "Europe/Berlin", "2027-03-01T00:00:00Z", false, []string{
			"On Sunday 28 March 2027 the clock skips 02:00 to 02:45. No run is due then.",
			"On Sunday 31 October 2027 the clock shows 02:00 to 02:45 twice. The runs are due both times.",
		}},
		{"a wildcard job at every hour is not touched", "*/5 * * * *", "Europe/Berlin", "2027-03-01T00:00:00Z", false, nil},
		{"a timer does not make up", "02:30", "Europe/Berlin", "2027-03-01T00:00:00Z", true, []string{
			"On Sunday 28 March 2027 the clock skips 02:30. No run is due then.",
			"On Sunday 31 October 2027 the clock shows 02:30 twice. The run is due the first time only.",
		}},
		{"an hourly timer rests for two hours", "hourly", "America/New_York", "2026-10-01T00:00:00Z", true, []string{
			"On Sunday 1 November 2026 the clock shows 01:00 twice. The run is due the first time only.",
		}},
		{"a change that is near shifts", "0 3 * * *", "Europe/Berlin", "2026-10-14T12:00:00Z", false, []string{
			"The clock goes back on Sunday 25 October 2026. Runs keep their local time, and their UTC time changes.",
		}},
		{"forward as well", "0 12 * * *", "Europe/London", "2027-03-20T12:00:00Z", false, []string{
			"The clock goes forward on Sunday 28 March 2027. Runs keep their local time, and their UTC time changes.",
		}},
		{"a change that is far does not", "0 3 * * *", "Europe/Berlin", "2026-11-14T12:00:00Z", false, nil},
		{"a change among the slots that are shown does", "0 3 1 * *", "Europe/Berlin", "2026-09-14T12:00:00Z", false, []string{
			"The clock goes back on Sunday 25 October 2026. Runs keep their local time, and their UTC time changes.",
		}},
		{"UTC has none", "30 2 * * *", "UTC", "2026-11-01T00:00:00Z", false, nil},
		{"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-09-30T00:00:00Z", false, []string{
			"On Sunday 4 October 2026 the clock skips 02:15. The run is due at 02:30 instead.",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			build := Cron
			if c.calendar {
				build = OnCalendar
			}
			s, err := build([]string{c.line}, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, change := range NewPreview(s, parseTimestamp(t, c.at), 3).ClockChanges {
				got = append(got, change.Describe())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("told %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestNewPreview_MergesTheSameClockChangeOfSeveralLines(t *testing.T) {
	s, err := Cron([]string{"10 2 * * *", "40 2 * * *", "0 12 * * *", "*/20 2 * * *"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	changes := NewPreview(s, parseTimestamp(t, "2027-03-20T00:00:00Z"), 5).ClockChanges
	var got []string
	for _, c := range changes[:2] {
		got = append(got, c.Describe())
	}
	want := []string{
		"On Sunday 28 March 2027 the clock skips 02:10 to 02:40. These runs are due at 03:00 instead, all at once.",
		"On Sunday 28 March 2027 the clock skips 02:00 to 02:40. No run is due then.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
}

func TestNewPreview_IncludesTheSlotAtTheGivenTime(t *testing.T) {
	s, err := Cron([]string{"0 3 * * *"}, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	at := parseTimestamp(t, "2026-06-10T03:00:00Z")
	o := NewPreview(s, at, 2)
	if want := []time.Time{at.AddDate(0, 0, 1), at.AddDate(0, 0, 2)}; !slices.Equal(o.Next, want) {
		t.Errorf("next are %v", o.Next)
	}
	if want := []time.Time{at, at.AddDate(0, 0, -1)}; !slices.Equal(o.Previous, want) {
		t.Errorf("previous are %v", o.Previous)
	}
}

func TestNewPreview_AnIntervalHasNoPreviousSlots(t *testing.T) {
	at := parseTimestamp(t, "2026-06-10T03:00:00Z")
	o := NewPreview(Every(time.Hour), at, 2)
	if want := []time.Time{at.Add(time.Hour), at.Add(2 * time.Hour)}; !slices.Equal(o.Next, want) || o.Previous != nil || o.Zone != nil {
		t.Errorf("the outlook is %+v", o)
	}
}

func TestNewPreview_UsesTheZoneThatAllLinesShare(t *testing.T) {
	for lines, want := range map[string]string{
		"10:00 Asia/Tokyo": "Asia/Tokyo", "10:00": "Europe/Berlin", "10:00 Asia/Tokyo|11:00": "Europe/Berlin",
	} {
		s, err := OnCalendar(strings.Split(lines, "|"), "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		if got := NewPreview(s, parseTimestamp(t, "2026-06-10T03:00:00Z"), 1).Zone.String(); got != want {
			t.Errorf("%s is read in %s, want %s", lines, got, want)
		}
	}
}

func TestNewPreview_AFinishedScheduleHasNoNextSlots(t *testing.T) {
	s, err := OnCalendar([]string{"2020-01-01 10:00"}, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	if o := NewPreview(s, parseTimestamp(t, "2026-06-10T03:00:00Z"), 5); len(o.Next) != 0 || len(o.Previous) != 1 {
		t.Errorf("the outlook is %+v", o)
	}
}

// If a slot of a daily job is not at its usual time, the preview reports that change, and no other.
func TestNewPreview_ReportsEveryMovedSlot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := changingZones[rapid.IntRange(0, len(changingZones)-1).Draw(t, "zone")].zone
		at := time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "at"), 0).UTC()
		clock := time.Date(2000, 1, 1, rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, time.UTC)
		s, err := Cron([]string{clock.Format("4 15 * * *")}, zone)
		if err != nil {
			t.Fatal(err)
		}
		o := NewPreview(s, at, 1)
		var moved, told []string
		year := collectSlots(s.Next, at, 360) // less than foresight
		for _, slot := range year {
			if slot.In(o.Zone).Format("15:04") != clock.Format("15:04") {
				moved = append(moved, slot.String())
			}
		}
		for _, c := range o.ClockChanges {
			if c.Effect == EffectMadeUp && !c.At.After(year[359]) {
				told = append(told, c.At.String())
			}
		}
		if moved = moved[:min(len(moved), 1)]; !slices.Equal(moved, told) {
			t.Fatalf("%s in %s from %s: moved are %v, told are %v", clock.Format("15:04"), zone, at, moved, told)
		}
	})
}
