package schedule

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	robfig "github.com/robfig/cron/v3"
)

// nextSlots formats up to n slots after a local time, in the zone.
func nextSlots(t *testing.T, s Schedule, zone, after string, n int) []string {
	t.Helper()
	loc := location(t, zone)
	at, err := time.ParseInLocation("2006-01-02 15:04:05", after, loc)
	if err != nil {
		t.Fatal(err)
	}
	var slots []string
	for range n {
		slot, ok := s.Next(at)
		if !ok {
			return append(slots, "none")
		}
		slots = append(slots, slot.In(loc).Format("2006-01-02 15:04:05 -0700"))
		at = slot
	}
	return slots
}

func TestCron_WhenTheClockChanges(t *testing.T) {
	for _, c := range []struct {
		name, line, zone, after string
		want                    []string
	}{
		{
			"a skipped fixed time runs right after the jump", "30 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200"},
		},
		{
			"several skipped times run once together", "0,20,40 2 * * *", "Europe/Berlin", "2026-03-28 12:00:00",
			[]string{"2026-03-29 03:00:00 +0200", "2026-03-30 02:00:00 +0200"},
		},
		{
			"a repeated fixed time runs the first time", "30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100"},
		},
		{
			"a fixed list of hours is not repeated", "0 1-3 * * *", "Europe/Berlin", "2026-10-25 00:30:00",
			[]string{"2026-10-25 01:00:00 +0200", "2026-10-25 02:00:00 +0200", "2026-10-25 03:00:00 +0100"},
		},
		{
			"a star in the hour runs again in the repeated hour", "30 * * * *", "Europe/Berlin", "2026-10-25 01:45:00",
			[]string{"2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100", "2026-10-25 03:30:00 +0100"},
		},
		{
			"a star in the minute is enough", "*/30 2 * * *", "Europe/Berlin", "2026-10-25 01:45:00",
			[]string{"2026-10-25 02:00:00 +0200", "2026-10-25 02:30:00 +0200", "2026-10-25 02:00:00 +0100", "2026-10-25 02:30:00 +0100"},
		},
		{
			"a star is not made up for", "30 */2 * * *", "Europe/Berlin", "2026-03-29 00:45:00",
			[]string{"2026-03-29 04:30:00 +0200", "2026-03-29 06:30:00 +0200"},
		},
		{
			"half an hour is skipped on Lord Howe", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00:00",
			[]string{"2026-10-04 02:30:00 +1100", "2026-10-05 02:15:00 +1100"},
		},
		{
			"half an hour is repeated on Lord Howe", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00:00",
			[]string{"2026-04-05 01:45:00 +1100", "2026-04-06 01:45:00 +1030"},
		},
		{
			"midnight is skipped in Cairo", "@daily", "Africa/Cairo", "2026-04-23 12:00:00",
			[]string{"2026-04-24 01:00:00 +0300", "2026-04-25 00:00:00 +0300"},
		},
		{
			"midnight is skipped in Santiago", "@weekly", "America/Santiago", "2026-09-05 12:00:00",
			[]string{"2026-09-06 01:00:00 -0300", "2026-09-13 00:00:00 -0300"},
		},
		{
			"midnight is repeated in Havana", "@daily", "America/Havana", "2026-10-31 12:00:00",
			[]string{"2026-11-01 00:00:00 -0400", "2026-11-02 00:00:00 -0500"},
		},
		{
			"a day without 30 December is no daylight saving", "0 12 * * *", "Pacific/Apia", "2011-12-29 11:00:00",
			[]string{"2011-12-29 12:00:00 -1000", "2011-12-31 12:00:00 +1400"},
		},
		{
			"three hours forward are no daylight saving either", "30 3 * * *", "Antarctica/Casey", "2009-10-17 12:00:00",
			[]string{"2009-10-19 03:30:00 +1100"},
		},
		{
			"a change in the middle of a minute", "20 0 * * *", "Africa/Monrovia", "1972-01-06 12:00:00",
			[]string{"1972-01-07 00:45:00 +0000", "1972-01-08 00:20:00 +0000"},
		},
		{
			"no change at all", "30 2 * * *", "Asia/Kathmandu", "2026-03-28 12:00:00",
			[]string{"2026-03-29 02:30:00 +0545", "2026-03-30 02:30:00 +0545"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Cron([]string{c.line}, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, nextSlots(t, s, c.zone, c.after, len(c.want))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCron_CombinesTheDayFields(t *testing.T) {
	for _, c := range []struct{ line, after, want string }{
		{"0 0 1,15 * mon", "2026-06-02 00:00:00", "2026-06-08"},    // either
		{"0 0 */2 * mon", "2026-06-02 00:00:00", "2026-06-15"},     // both: */2 starts with a star
		{"0 0 8-14 * */7", "2026-06-02 00:00:00", "2026-06-14"},    // both: a Sunday
		{"0 0 L * *", "2028-02-01 00:00:00", "2028-02-29"},         // last day
		{"0 0 LW * *", "2026-05-01 00:00:00", "2026-05-29"},        // 31 May is a Sunday
		{"0 0 1W * *", "2026-07-31 12:00:00", "2026-08-03"},        // 1 August is a Saturday
		{"0 0 15W * *", "2026-08-01 00:00:00", "2026-08-14"},       // a Saturday
		{"0 0 31W * *", "2026-05-02 00:00:00", "2026-05-29"},       // a Sunday at the end
		{"0 0 * * 5L", "2026-05-01 00:00:00", "2026-05-29"},        // last Friday
		{"0 0 * * 0L", "2026-05-20 00:00:00", "2026-05-31"},        // a Sunday, like the 24th
		{"0 0 * * MON#2", "2026-06-01 00:00:00", "2026-06-08"},     // second Monday
		{"0 0 * * 1#5", "2026-06-30 00:00:00", "2026-08-31"},       // rare
		{"0 0 * * 7", "2026-06-01 00:00:00", "2026-06-07"},         // Sunday
		{"0 0 * * 5-7", "2026-06-06 00:00:00", "2026-06-07"},       // Sunday at the end of a range
		{"0 0 29 2 *", "2096-03-01 00:00:00", "2104-02-29"},        // 2100 is no leap year
		{"0 0 */29 2 1", "2072-03-01 00:00:00", "2077-02-01"},      // both, and the 1st is one
		{"0 0 29-30/1 FEB *", "2026-01-01 00:00:00", "2028-02-29"}, // names, either case
		{"0 0 1 jan,Jul *", "2026-02-01 00:00:00", "2026-07-01"},   // a list of names
		{"0 0 10-31/10 * *", "2026-06-11 00:00:00", "2026-06-20"},  // a step in a range
		{"0 0 1 */70 *", "2026-02-01 00:00:00", "2027-01-01"},      // a step beyond the field
	} {
		t.Run(c.line, func(t *testing.T) {
			s, err := Cron([]string{c.line}, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := nextSlots(t, s, "UTC", c.after, 1); got[0][:10] != c.want {
				t.Errorf("got %s, want %s", got[0], c.want)
			}
		})
	}
}

func TestCron_FindsARareSlot(t *testing.T) {
	s, err := Cron([]string{"0 0 29W 2 *", "0 0 * 2 1#5"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var longest time.Duration
	last, _ := s.Next(time.Date(2070, 1, 1, 0, 0, 0, 0, time.UTC))
	for range 10 {
		slot, ok := s.Next(last)
		if !ok {
			break
		}
		longest, last = max(longest, slot.Sub(last)), slot
	}
	if years := longest.Hours() / 24 / 365.25; years < 7.9 {
		t.Errorf("the longest wait is %.1f years; want the eight years around 2100", years)
	}
	fifth, err := Cron([]string{"0 0 * 2 1#5"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if got := nextSlots(t, fifth, "Europe/Berlin", "2072-03-01 00:00:00", 1); got[0] != "2112-02-29 00:00:00 +0100" {
		t.Errorf("the Monday 29 February after 2072 is %s; want the one 40 years later", got[0])
	}
}

func TestCron_IsDueWhenAnyLineIs(t *testing.T) {
	s, err := Cron([]string{"0 9 * * 1-5", "", "0 11 * * 6,0", "30 9 * * *"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2026-06-05 09:00:00 +0200", "2026-06-05 09:30:00 +0200", "2026-06-06 09:30:00 +0200", "2026-06-06 11:00:00 +0200"}
	if diff := cmp.Diff(want, nextSlots(t, s, "Europe/Berlin", "2026-06-05 00:00:00", 4)); diff != "" {
		t.Error(diff)
	}
	last, _ := s.Prev(time.Date(2026, 6, 6, 9, 0, 0, 0, time.UTC)) // 11:00 in Berlin, not included
	if want := time.Date(2026, 6, 6, 7, 30, 0, 0, time.UTC); !last.Equal(want) {
		t.Errorf("Prev is %s, want %s", last, want)
	}
}

func TestCron_ProblemsSayWhatToWrite(t *testing.T) {
	for line, want := range map[string]string{
		"75 * * * *":                         "minute 75 is out of range: minutes go from 0 to 59",
		"0 24 * * *":                         "hour 24 is out of range: hours go from 0 to 23",
		"0 0 0 * *":                          "day of month 0 is out of range: days go from 1 to 31",
		"0 0 * 13 *":                         "month 13 is out of range: months go from 1 to 12",
		"0 0 * * 8":                          "day of week 8 is out of range: days go from 0 to 7",
		"5/10 * * * *":                       "“5/10” in the minute has a step without a range: write 5-59/10",
		"*/0 * * * *":                        "“*/0” in the minute has an invalid step: write a number from 1 after the slash, such as */5",
		"0 22-2 * * *":                       "“22-2” is backwards: write 22-23,0-2",
		"0 0 * * fri-sun":                    "“fri-sun” is backwards, because Sunday is day 0: write 5-7",
		"0 0 * * sat-mon":                    "“sat-mon” is backwards: write 6,0-1",
		"0 0 * * monday":                     "“monday” in the day of week is not valid: write mon",
		"0 0 * * L":                          "“L” in the day of week is not valid: write the day before the L, such as friL for the last Friday",
		"0 0 * * mon#6":                      "“mon#6” in the day of week is not valid: write a day, # and a number from 1 to 5, such as mon#2",
		"0 0 L-3 * *":                        "“L-3” in the day of month is not supported: use L for the last day",
		"0 0 W * *":                          "“W” in the day of month is not valid: write a date before the W, such as 15W",
		"0 0 ? * *":                          "cron has no “?”: write * for any day of month",
		"H 0 * * *":                          "“H 0 * * *” is a Jenkins schedule: H in the minute is a number that Jenkins chooses for each job: look up when the job runs and write that time, or use an interval with enough grace",
		"0 0 1, * *":                         "the day of month has an empty part: write a number on both sides of each comma, dash and slash",
		"1-* 0 * * *":                        "“*” in the minute cannot be the end of a range: write * alone",
		"0 x * * *":                          "“x” in the hour is not a number: write one from 0 to 23, or *",
		"0 0 * Xmas *":                       "“Xmas” in the month is not valid: write a number from 1 to 12 or a name such as feb",
		"0 0 31 2 *":                         "“0 0 31 2 *” never occurs: check the day of month and the month",
		"0 0 31 4,6,9,11 *":                  "“0 0 31 4,6,9,11 *” never occurs: check the day of month and the month",
		"0 3 * *":                            "“0 3 * *” has 4 of 5 fields: write minute, hour, day of month, month and day of week, such as 0 3 * * *",
		"0 0 3 * * *":                        "“0 0 3 * * *” has more than one meaning; with seconds first, as in Spring, robfig/cron and node-cron: write 0 3 * * *; with the year last, as in Nomad and supercronic: write 0 0 3 * *",
		"0 0 25 * * MONDAY":                  "“0 0 25 * * MONDAY” has more than 5 fields: cron has neither seconds nor years; write minute, hour, day of month, month and day of week",
		"0 25 * * * root /bin/backup":        "hour 25 is out of range: hours go from 0 to 23",
		"0 3 * * * backup.sh":                "“0 3 * * * backup.sh” has text after the fifth field: remove the command and write 0 3 * * *",
		"CRON_TZ=Asia/Tokyo":                 "“CRON_TZ=Asia/Tokyo” sets a time zone: remove it from the line, and set the time zone of the schedule",
		"@reboot":                            "@reboot has no schedule: use an interval instead",
		"@nightly":                           "“@nightly” is not a known nickname: write @hourly, @daily, @weekly, @monthly, @yearly or five fields such as 0 3 * * *",
		" ":                                  "the schedule is empty: write a cron line such as 0 3 * * *",
		strings.Repeat("1", 1001):            "the line is too long (maximum 1000 characters): split it into several lines",
		strings.Repeat("9", 50) + " * * * *": "minute " + strings.Repeat("9", 40) + "… is out of range: minutes go from 0 to 59",
	} {
		_, err := Cron([]string{line}, "")
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Message != want {
			t.Errorf("%q:\n got %v\nwant %s", line, err, want)
		}
	}
}

func TestCron_ProblemsNameTheLine(t *testing.T) {
	for _, c := range []struct {
		lines []string
		zone  string
		want  int
	}{
		{[]string{"0 3 * * *", "", "0 99 * * *"}, "", 3},
		{[]string{"0 3 * * *"}, "Nowhere", 0},
		{nil, "", 0},
		{strings.Split(strings.Repeat("0 3 * * *\n", 60), "\n"), "", 51},
	} {
		_, err := Cron(c.lines, c.zone)
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Line != c.want {
			t.Errorf("%d lines in %q: got %v, want a problem in line %d", len(c.lines), c.zone, err, c.want)
		}
	}
}

// Another library confirms the calendar in a zone without clock changes. It treats */2 in a day
// field as a restriction, which Debian does not, so such lines are excluded.
func TestCron_AgreesWithAnotherLibraryInUTC(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 0))
	compared := 0
	for range 4000 {
		l := generatedLine{generateField(r, 0, 59, 0.3), generateField(r, 0, 23, 0.3), generateField(r, 1, 28, 0.5), generateField(r, 1, 12, 0.5), generateField(r, 0, 6, 0.5)}
		if strings.Contains(l.dom.text+l.dow.text, "*") && l.dom.text != "*" && l.dow.text != "*" {
			continue
		}
		if strings.Contains(l.dom.text[1:]+l.dow.text[1:], "*") || strings.Contains(l.dom.text+l.dow.text, "*/") {
			continue
		}
		theirs, err := robfig.ParseStandard("TZ=Asia/Kolkata " + l.text())
		if err != nil {
			t.Fatal(err)
		}
		ours, err := Cron([]string{l.text()}, "Asia/Kolkata")
		if err != nil {
			t.Fatal(err)
		}
		compared++
		at := time.Date(2000+r.IntN(60), time.Month(1+r.IntN(12)), r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e9), time.UTC)
		for range 10 {
			got, _ := ours.Next(at)
			if want := theirs.Next(at); !got.Equal(want) {
				t.Fatalf("%s after %s: got %s, want %s", l.text(), at, got, want)
			}
			at = got
		}
	}
	if compared < 1500 {
		t.Errorf("only %d lines were compared", compared)
	}
	t.Logf("%d lines", compared)
}
