package schedule

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOnCalendar_WhenTheClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, line, zone, after string
		want                    []string
	}{
		{
			"a skipped time waits for the next day", "02:30", "Europe/Berlin", "2026-03-28 12:00:00",
			[]string{"2026-03-30 02:30:00 +0200"},
		},
		{
			"a skipped hour is left out", "*:30", "Europe/Berlin", "2026-03-29 00:45:00",
			[]string{"2026-03-29 01:30:00 +0100", "2026-03-29 03:30:00 +0200"},
		},
		{
			"a repeated time counts the first time", "02:30", "Europe/Berlin", "2026-10-24 12:00:00",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"},
		},
		{
			"even hourly does not elapse in the second 02:00", "hourly", "Europe/Berlin", "2026-10-25 01:30:00",
			[]string{"2026-10-25 02:00:00 +0200", "2026-10-25 03:00:00 +0100"},
		},
		{
			"hourly in UTC repeats the local hour", "hourly UTC", "Europe/Berlin", "2026-10-25 01:30:00",
			[]string{"2026-10-25 02:00:00 +0200", "2026-10-25 02:00:00 +0100", "2026-10-25 03:00:00 +0100"},
		},
		{
			"half an hour on Lord Howe", "02:00,15,30", "Australia/Lord_Howe", "2026-10-03 12:00:00",
			[]string{"2026-10-04 02:30:00 +1100", "2026-10-05 02:00:00 +1100"},
		},
		{
			"a skipped midnight in Beirut", "daily", "Asia/Beirut", "2026-03-28 12:00:00",
			[]string{"2026-03-30 00:00:00 +0300"},
		},
		{
			"the repeated hour before midnight in Santiago", "23:30", "America/Santiago", "2026-04-04 12:00:00",
			[]string{"2026-04-04 23:30:00 -0300", "2026-04-05 23:30:00 -0400"},
		},
		{
			"a repeated midnight in Havana", "daily", "America/Havana", "2026-10-31 12:00:00",
			[]string{"2026-11-01 00:00:00 -0400", "2026-11-02 00:00:00 -0500"},
		},
		{
			"a day that was skipped in Apia", "daily", "Pacific/Apia", "2011-12-29 00:00:00",
			[]string{"2011-12-31 00:00:00 +1400"},
		},
		{
			"the zone of the expression wins", "10:00 America/New_York", "Europe/Berlin", "2026-06-01 00:00:00",
			[]string{"2026-06-01 16:00:00 +0200"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := OnCalendar([]string{c.line}, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, nextSlots(t, s, c.zone, c.after, len(c.want))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOnCalendar_ParsesExpressions(t *testing.T) {
	const after = "2026-06-10 12:00:00" // a Wednesday
	for line, want := range map[string]string{
		"minutely":                     "2026-06-10 12:01:00",
		"hourly":                       "2026-06-10 13:00:00",
		"Daily":                        "2026-06-11 00:00:00",
		"weekly":                       "2026-06-15 00:00:00",
		"monthly":                      "2026-07-01 00:00:00",
		"quarterly":                    "2026-07-01 00:00:00",
		"semiannually":                 "2026-07-01 00:00:00",
		"yearly":                       "2027-01-01 00:00:00",
		"Mon,Tue":                      "2026-06-15 00:00:00",
		"Sat..Sun 10:00":               "2026-06-13 10:00:00",
		"2026-*-1..7 18:00":            "2026-07-01 18:00:00",
		"*-*~03":                       "2026-06-28 00:00:00",
		"02~01":                        "2027-02-28 00:00:00",
		"*:0/15":                       "2026-06-10 12:15:00",
		"12:00:00.5":                   "2026-06-10 12:00:00",
		"27-1-1":                       "2027-01-01 00:00:00",
		"@1800000000":                  "2027-01-15 08:00:00",
		"Fri 2026-02-13..20/7 00:00":   "none",
		"2020-01-01":                   "none",
		"70-1-1":                       "none",
		"69-1-1":                       "2069-01-01 00:00:00",
		"Thu *-*-11 12:00:59.99999949": "2026-06-11 12:00:59",
		"Thu *-02-29":                  "2052-02-29 00:00:00",
	} {
		s, err := OnCalendar([]string{line}, "UTC")
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := nextSlots(t, s, "UTC", after, 1)[0]; got != want && got != want+" +0000" {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestOnCalendar_SkipsWhatSystemdSkips(t *testing.T) {
	for _, c := range []struct {
		line, after string
		want        []string
	}{
		{"*:0/7", "2026-06-10 23:50:00", []string{"2026-06-10 23:56:00 +0000", "2026-06-11 00:07:00 +0000"}},
		{"*:0/7", "2026-06-10 22:50:00", []string{"2026-06-10 22:56:00 +0000", "2026-06-10 23:00:00 +0000"}},
		{"*:0/15", "2026-06-10 23:40:00", []string{"2026-06-10 23:45:00 +0000", "2026-06-11 00:00:00 +0000"}},
		{"Wed *:0/7", "2026-06-10 23:50:00", []string{"2026-06-10 23:56:00 +0000", "2026-06-17 00:00:00 +0000"}},
		{"0/5:00", "2026-06-30 14:00:00", []string{"2026-06-30 15:00:00 +0000", "2026-06-30 20:00:00 +0000", "2026-07-01 05:00:00 +0000"}},
		{"0/5:00", "2026-06-29 19:00:00", []string{"2026-06-29 20:00:00 +0000", "2026-06-30 00:00:00 +0000"}},
		{"*-*-1/7", "2026-12-22 00:00:00", []string{"2026-12-29 00:00:00 +0000", "2027-01-08 00:00:00 +0000"}},
		{"*-*-1/7", "2026-11-22 00:00:00", []string{"2026-11-29 00:00:00 +0000", "2026-12-01 00:00:00 +0000"}},
		{"*:*:0/7", "2026-06-10 12:59:50", []string{"2026-06-10 12:59:56 +0000", "2026-06-10 13:00:07 +0000"}},
		{"*:*:0/7", "2026-06-10 12:58:50", []string{"2026-06-10 12:58:56 +0000", "2026-06-10 12:59:00 +0000"}},
	} {
		s, err := OnCalendar([]string{c.line}, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, nextSlots(t, s, "UTC", c.after, len(c.want))); diff != "" {
			t.Errorf("%s: %s", c.line, diff)
		}
	}
}

func TestOnCalendar_ProblemsSayWhatToWrite(t *testing.T) {
	for line, want := range map[string]string{
		"25:00":          "hour 25 is out of range: hours go from 0 to 23",
		"10:60":          "minute 60 is out of range: minutes go from 0 to 59",
		"10:00:61":       "second 61 is out of range: seconds go from 0 to 59",
		"*-13-01":        "month 13 is out of range: months go from 1 to 12",
		"*-*~29":         "day 29 is out of range: days go from 1 to 28",
		"2300-01-01":     "year 2300 is out of range: years go from 1970 to 2199",
		"5..3:00":        "“5..3” is backwards: write the smaller number first",
		"*:*/5":          "“*/5” mixes * with numbers: write * alone, or 0/5 for every fifth",
		"*:0/0":          "“0/0” has a step of 0: write a step of 1 or more after the slash",
		"*:30/40":        "“30/40” has a step larger than the range: minutes go from 0 to 59",
		"*:*:1.0..1.5":   "“1.0..1.5” is a range of less than a second: write a step after it, such as 1.0..1.5/0.1",
		"10:00:":         "the seconds are missing after the last colon: write 00, or remove the colon",
		"10:1x":          "“1x” is not a number for the minutes: write one from 0 to 59, or *",
		"7":              "“7” is neither a date nor a time: write for example *-*-01 or 03:00",
		"1:2:3:4":        "“1:2:3:4” is not a time: write hours and minutes, such as 03:00",
		"10:00 11:00":    "“11:00” is not expected after the time: write weekdays, date, time and zone in this order",
		"Funday 10:00":   "“Funday” is neither a weekday nor a word such as daily: write Mon, Tue, Wed, Thu, Fri, Sat or Sun",
		"Fri..Mon 10:00": "“Fri..Mon” is backwards, because the week starts on Monday: write it as two parts with a comma",
		"10:00 CEST":     "“CEST” is not a time zone name: write a name such as Europe/Berlin",
		"*-02-30":        "“*-02-30” never occurs: check the date and the weekday",
		"Mon 2026-06-09": "“Mon 2026-06-09” never occurs: check the date and the weekday",
		"@12x":           "“@12x” is not a timestamp: write the seconds since 1970 after the @, such as @1767225600",
		"@99999999999":   "“@99999999999” is not a timestamp: write the seconds since 1970 after the @, such as @1767225600",
		"":               "the schedule is empty: write a calendar expression such as Mon..Fri 03:00",
	} {
		_, err := OnCalendar([]string{line}, "")
		if p, ok := errors.AsType[*Problem](err); !ok || p.Message != want {
			t.Errorf("%q:\n got %v\nwant %s", line, err, want)
		}
	}
}

func TestOnCalendar_SlotsHaveFractionsOfSeconds(t *testing.T) {
	s, err := OnCalendar([]string{"12:00:00.25/0.5"}, "")
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ after, want time.Duration }{
		{0, 250 * time.Millisecond},
		{250 * time.Millisecond, 750 * time.Millisecond},
		{-12 * time.Hour, 250 * time.Millisecond},
		{250*time.Millisecond - 1, 250 * time.Millisecond},
		{59*time.Second + 750*time.Millisecond, 24*time.Hour + 250*time.Millisecond},
	} {
		if got, _ := s.Next(noon.Add(c.after)); !got.Equal(noon.Add(c.want)) {
			t.Errorf("after %s: got %s, want %s", c.after, got.Sub(noon), c.want)
		}
	}
	if got, _ := s.Prev(noon.Add(250*time.Millisecond + 1)); !got.Equal(noon.Add(250 * time.Millisecond)) {
		t.Errorf("Prev just after a slot is %s, want the slot", got)
	}
}

func TestOnCalendar_RoundsFractionsToMicroseconds(t *testing.T) {
	for line, want := range map[string]time.Duration{
		"00:00:00.1234564": 123456 * time.Microsecond,
		"00:00:00.1234565": 123457 * time.Microsecond,
		"00:00:00.0000001": 0,
		"00:00:01.5":       1500 * time.Millisecond,
	} {
		s, err := OnCalendar([]string{line}, "")
		if err != nil {
			t.Fatal(err)
		}
		midnight := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)
		if got, _ := s.Next(midnight.Add(-1)); got.Sub(midnight) != want {
			t.Errorf("%s: got %s, want %s", line, got.Sub(midnight), want)
		}
	}
}

// The seconds start again in the next minute, but the rest of the last step stays in their
// fraction.
func TestOnCalendar_FractionsOverrunTheMinute(t *testing.T) {
	s, err := OnCalendar([]string{"*:*:0/0.7"}, "")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 6, 10, 12, 0, 59, 5e8, time.UTC)
	if got, _ := s.Next(at); got.Sub(at) != 1200*time.Millisecond {
		t.Errorf("the slot after %s is %s later, want 1.2s", at, got.Sub(at))
	}
}

func TestOnCalendar_SecondsSince1970DoNotDependOnTheZone(t *testing.T) {
	for _, line := range []string{"@1800000000", "@1800000000 Asia/Tokyo"} {
		s, err := OnCalendar([]string{line}, "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Next(time.Unix(0, 0)); !got.Equal(time.Unix(1800000000, 0)) {
			t.Errorf("%s is due at %s", line, got)
		}
	}
}
