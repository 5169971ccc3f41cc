package schedule

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"0 3 * * *", "at 03:00 every day, Europe/Berlin"},
		{"15 16 * * 1-5", "at 16:15 on weekdays, Europe/Berlin"},
		{"0 9 * * 6,7", "at 09:00 on weekends, Europe/Berlin"},
		{"0 9 * * 1-6", "at 09:00 from Monday to Saturday, Europe/Berlin"},
		{"0 9 * * 5-7", "at 09:00 from Friday to Sunday, Europe/Berlin"},
		{"0 9 * * sun,tue", "at 09:00 on Tuesdays and Sundays, Europe/Berlin"},
		{"0,30 9,21 * * *", "at 09:00, 09:30, 21:00 and 21:30 every day, Europe/Berlin"},
		{"* * * * *", "every minute"},
		{"*/15 * * * *", "every 15 min"},
		{"5-59/15 * * * *", "every 15 min from 00:05 to 23:50 every day, Europe/Berlin"},
		{"*/7 * * * *", "at 0, 7, 14, 21, 28, 35, 42, 49 and 56 min past every hour (not every 7 min: the step starts again each hour)"},
		{"*/11 * * * *", "at 0, 11, 22, 33, 44 and 55 min past every hour (not every 11 min: the step starts again each hour)"},
		{"*/45 * * * *", "at 0 and 45 min past every hour (not every 45 min: the step starts again each hour)"},
		{"*/45 * * * 1-5", "at 0 and 45 min past every hour (not every 45 min: the step starts again each hour) on weekdays, Europe/Berlin"},
		{"0-59/45 * * * *", "at 0 and 45 min past every hour (not every 45 min: the step starts again each hour)"},
		{"0,45 * * * *", "at 0 and 45 min past every hour"},
		{"0,45 * */10 * *", "at 0 and 45 min past every hour on the 1st, 11th, 21st and 31st of every month, Europe/Berlin"},
		{"0,12,22,32,42,52 * * * *", "at 0, 12, 22, 32, 42 and 52 min past every hour"},
		{"0,12,22,32,42,52 * * * sun", "at 0, 12, 22, 32, 42 and 52 min past every hour on Sundays, Europe/Berlin"},
		{"10-50/3 * * * *", "every 3 min from minute 10 to minute 49 of every hour"},
		{"0-29 * * * *", "every minute from minute 0 to minute 29 of every hour"},
		{"*/30 * * * *", "every 30 min"},
		{"0,1,2,3,5,7,11,13,17,19,23 * * * *", "matching “0,1,2,3,5,7,11,13,17,19,23 * * * *”, Europe/Berlin"},
		{"0 * * * *", "every hour"},
		{"17 * * * *", "17 min past every hour"},
		{"*/20 * * * sat", "every 20 min on Saturdays, Europe/Berlin"},
		{"* * * 6-8 *", "every minute from June to August, Europe/Berlin"},
		{"*/10 9-17 * * mon-fri", "every 10 min from 09:00 to 17:50 on weekdays, Europe/Berlin"},
		{"* 9-17 * * *", "every minute from 09:00 to 17:59 every day, Europe/Berlin"},
		{"30 9-17 * * *", "every 1 h from 09:30 to 17:30 every day, Europe/Berlin"},
		{"0 */2 * * *", "every 2 h from 00:00 to 22:00 every day, Europe/Berlin"},
		{"*/20 */2 * * *", "matching “*/20 */2 * * *”, Europe/Berlin"},
		{"0 0 1,15 * *", "at 00:00 on the 1st and 15th of every month, Europe/Berlin"},
		{"0 0 2,3,11,22 * *", "at 00:00 on the 2nd, 3rd, 11th and 22nd of every month, Europe/Berlin"},
		{"0 0 1-7 * *", "at 00:00 from the 1st to the 7th of every month, Europe/Berlin"},
		{"0 0 24 12 *", "at 00:00 on 24 December, Europe/Berlin"},
		{"0 0 1 1,7 *", "at 00:00 on the 1st of January and July, Europe/Berlin"},
		{"0 0 1 3-10 *", "at 00:00 on the 1st of every month from March to October, Europe/Berlin"},
		{"0 0 1 * mon", "at 00:00 on the 1st of every month and on Mondays, Europe/Berlin"},
		{"0 0 */10 * mon", "at 00:00 on the 1st, 11th, 21st and 31st of every month, if that is a Monday, Europe/Berlin"},
		{"0 0 */2 * mon", "matching “0 0 */2 * mon”, Europe/Berlin"},
		{"0 0 1 * mon#1,fri", "matching “0 0 1 * mon#1,fri”, Europe/Berlin"},
		{"0 0 1,3,5,7,9,11,13 * mon", "matching “0 0 1,3,5,7,9,11,13 * mon”, Europe/Berlin"},
		{"0 0 1-31 * mon", "at 00:00 every day, Europe/Berlin"},
		{"0 0 L,15W,LW * *", "at 00:00 on the weekday nearest the 15th, the last weekday and the last day of every month, Europe/Berlin"},
		{"0 0 * * friL,mon#2", "at 00:00 on the 2nd Monday and the last Friday of every month, Europe/Berlin"},
		{"0 3 * * *\n15 16 * * 1-5", "at 03:00 every day; at 16:15 on weekdays, Europe/Berlin"},
		{"0 3 * * *\n*/15 * * * *", "at 03:00 every day; every 15 min, Europe/Berlin"},
		{"daily", "at 00:00 every day, Europe/Berlin"},
		{"hourly UTC", "every hour"},
		{"Mon..Fri 03:00:30 UTC", "at 03:00:30 on weekdays, UTC"},
		{"*:*:0/10", "every 10 s"},
		{"*:5/20", "every 20 min from 00:05 to 23:45 every day, Europe/Berlin"},
		{"*:0/35", "at 0 and 35 min past every hour except at 00:00 (not every 35 min: the step starts again each hour), Europe/Berlin"},
		{"*:0/7", "at 0, 7, 14, 21, 28, 35, 42, 49 and 56 min past every hour except at 00:00 (not every 7 min: the step starts again each hour), Europe/Berlin"},
		{"*:2/25", "at 2, 27 and 52 min past every hour except at 00:02, Europe/Berlin"},
		{"Mon *:0/35", "matching “Mon *:0/35”, Europe/Berlin"},
		{"*:0/20", "every 20 min"},
		{"*-*-01/3 *:00,45", "matching “*-*-01/3 *:00,45”, Europe/Berlin"},
		{"3..22:0/35", "matching “3..22:0/35”, Europe/Berlin"},
		{"0/5:00", "matching “0/5:00”, Europe/Berlin"}, // 00:00 is skipped on the 1st
		{"*:*:*", "every second"},
		{"*:*:0/7", "matching “*:*:0/7”, Europe/Berlin"},
		{"10:00:00.5", "matching “10:00:00.5”, Europe/Berlin"},
		{"*-*~1 20:00", "at 20:00 on the last day of every month, Europe/Berlin"},
		{"Fri *-02~3 20:00", "at 20:00 on the 3rd last day of February, if that is a Friday, Europe/Berlin"},
		{"Mon *-*~1..7 20:00", "matching “Mon *-*~1..7 20:00”, Europe/Berlin"},
		{"Sat,Sun *-*-13", "at 00:00 on the 13th of every month, if that is on a weekend, Europe/Berlin"},
		{"2026-12-24 18:00", "once, at 18:00 on 24 December 2026, Europe/Berlin"},
		{"2026..2028-12-24 18:00", "matching “2026..2028-12-24 18:00”, Europe/Berlin"},
		{"10:00 UTC\n11:00", "at 10:00 every day, UTC; at 11:00 every day, Europe/Berlin"},
	} {
		lines := strings.Split(c.lines, "\n")
		s, err := Cron(lines, "Europe/Berlin")
		if err != nil {
			s, err = OnCalendar(lines, "Europe/Berlin")
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if got := strings.ReplaceAll(s.Describe(), noBreakSpace, " "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.lines, got, c.want)
		}
	}
}

// A description that lists minutes matches the slots of the next day: every listed time is a slot,
// and there are no others.
func TestDescribe_ListedMinutesAreTheSlots(t *testing.T) {
	listed := regexp.MustCompile(`^at ([0-9, and]+) min past every hour( except at ([0-9:, and]+?))?( \(|,|$)`)
	numbers := regexp.MustCompile(`[0-9:]+`)
	begin := time.Date(2027, 5, 12, 0, 0, 0, 0, time.UTC)
	read := 0
	for first := range 60 {
		for step := 1; step < 60; step++ {
			for _, line := range []string{fmt.Sprintf("%d-59/%d * * * *", first, step), fmt.Sprintf("*:%d/%d", first, step), fmt.Sprintf("%d,%d * * * *", first, step)} {
				s, err := Cron([]string{line}, "")
				if strings.HasPrefix(line, "*:") {
					s, err = OnCalendar([]string{line}, "")
				}
				if err != nil {
					continue // the step is out of range
				}
				words := listed.FindStringSubmatch(strings.ReplaceAll(s.Describe(), noBreakSpace, " "))
				if words == nil {
					continue
				}
				read++
				want := map[string]bool{}
				for hour := range 24 {
					for _, minute := range numbers.FindAllString(words[1], -1) {
						want[fmt.Sprintf("%02d:", hour)+("0" + minute)[len(minute)-1:]] = true
					}
				}
				for _, time := range numbers.FindAllString(words[3], -1) {
					if !want[time] {
						t.Fatalf("%s: %s; %s is no exception", line, s.Describe(), time)
					}
					delete(want, time)
				}
				got := map[string]bool{}
				for at := begin.Add(-time.Second); ; {
					at, _ = s.Next(at)
					if at.Day() != begin.Day() {
						break
					}
					got[at.Format("15:04")] = true
				}
				if !maps.Equal(got, want) {
					t.Fatalf("%s: %s; the slots are %v", line, s.Describe(), slices.Sorted(maps.Keys(got)))
				}
			}
		}
	}
	if read < 1000 {
		t.Errorf("only %d schedules list minutes", read)
	}
}

func TestDescribe_KeepsNumberAndUnitTogether(t *testing.T) {
	s, err := Cron([]string{"*/15 * * * *"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Describe(), "every 15\u00a0min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := Every(24*time.Hour).Describe(), "every 24\u00a0h"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := FormatDuration(90*time.Minute), "1\u00a0h 30\u00a0min"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEvery_CountsFromTheGivenTime(t *testing.T) {
	s, at := Every(5*time.Minute), time.Date(2026, 3, 29, 0, 58, 0, 123, time.UTC)
	if slot, ok := s.Next(at.In(location(t, "Europe/Berlin"))); !ok || !slot.Equal(at.Add(5*time.Minute)) || slot.Location() != time.UTC {
		t.Errorf("Next is %s, %t", slot, ok)
	}
	if slot, ok := s.Prev(at); !ok || !slot.Equal(at.Add(-5*time.Minute)) {
		t.Errorf("Prev is %s, %t", slot, ok)
	}
	if slot, _ := Every(-time.Hour).Next(at); !slot.Equal(at.Add(time.Second)) {
		t.Errorf("a negative interval is due at %s, want a second later", slot)
	}
	for _, far := range []time.Time{time.Unix(1<<62, 0), time.Unix(-1<<62, 0), time.Date(9999, 12, 31, 23, 58, 0, 0, time.UTC)} {
		if slot, ok := s.Next(far); ok {
			t.Errorf("the slot after %s is %s, want none", far, slot)
		}
	}
}
