package manual_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"overdue/internal/schedule"
)

// sectionOf returns the text of a page under one heading.
func sectionOf(t *testing.T, name, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(readPage(t, name), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %s", name, heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

// exampleRow matches a table row: an expression and its meaning.
var exampleRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.+) \\|$")

func TestManual_ScheduleExamplesMatchTheParser(t *testing.T) {
	for heading, read := range map[string]func([]string, string) (schedule.Schedule, error){"Cron": schedule.Cron, "OnCalendar": schedule.OnCalendar} {
		rows := exampleRow.FindAllStringSubmatch(sectionOf(t, "schedules.md", heading), -1)
		if len(rows) < 9 {
			t.Errorf("%s has only %d examples", heading, len(rows))
		}
		for _, m := range rows {
			s, err := read([]string{m[1]}, "Europe/Berlin")
			if err != nil {
				t.Errorf("%s: %v", m[1], err)
				continue
			}
			if got := strings.ReplaceAll(strings.TrimSuffix(s.Describe(), ", Europe/Berlin"), "\u00a0", " "); got != m[2] {
				t.Errorf("%s means %q; the manual says %q", m[1], got, m[2])
			}
		}
	}
}

// firingsOfDay returns the local times of all runs of a day in Berlin.
func firingsOfDay(t *testing.T, s schedule.Schedule, year int, month time.Month, day int) string {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at, end := time.Date(year, month, day, 0, 30, 0, 0, zone), time.Date(year, month, day, 4, 10, 0, 0, zone)
	var all []string
	for {
		slot, ok := s.Next(at)
		if !ok || slot.After(end) {
			return strings.Join(all, " ")
		}
		all, at = append(all, slot.In(zone).Format("15:04-07")), slot
	}
}

func TestManual_ClockChangeExamplesMatchTheParser(t *testing.T) {
	text := sectionOf(t, "schedules.md", "When the clock changes")
	for _, c := range []struct {
		line, row, spring, autumn string
		read                      func([]string, string) (schedule.Schedule, error)
	}{
		{"30 2 * * *", "due at 03:00, right after the change | due at the first 02:30 only", "03:00+02", "02:30+02", schedule.Cron},
		{"*/15 2 * * *", "not due that day | due at both 02:00, 02:15, 02:30 and 02:45", "", "02:00+02 02:15+02 02:30+02 02:45+02 02:00+01 02:15+01 02:30+01 02:45+01", schedule.Cron},
		{"02:30", "not due that day | due at the first 02:30 only", "", "02:30+02", schedule.OnCalendar},
		{"hourly", "every hour, as always | two hours apart once", "01:00+01 03:00+02 04:00+02", "01:00+02 02:00+02 03:00+01 04:00+01", schedule.OnCalendar},
	} {
		s, err := c.read([]string{c.line}, "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		if got := firingsOfDay(t, s, 2027, 3, 28); got != c.spring {
			t.Errorf("%s in spring: %s", c.line, got)
		}
		if got := firingsOfDay(t, s, 2027, 10, 31); got != c.autumn {
			t.Errorf("%s in autumn: %s", c.line, got)
		}
		if !strings.Contains(text, "`"+c.line+"` | "+c.row) {
			t.Errorf("the manual does not say %q about %s", c.row, c.line)
		}
	}
}
