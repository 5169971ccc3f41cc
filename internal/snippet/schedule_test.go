package snippet

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// codeOf returns the code and the note of an example.
func codeOf(all []Example, name string) (code, note string) {
	for _, e := range all {
		if e.Name == name {
			for _, b := range e.Blocks {
				code += b.Code + "\n"
			}
			return code, e.Note
		}
	}
	return "", ""
}

func TestExamplesFor_HaveTheScheduleOfTheHeartbeat(t *testing.T) {
	all := ExamplesFor(aURL, Schedule{Cron: []string{"15 2,14 * * *"}, Zone: "Asia/Kolkata"})
	for name, want := range map[string][]string{
		"crontab":     {"15 2,14 * * * " + ExampleJob},
		"systemd":     {"OnCalendar=*-*-* 02,14:15:00 Asia/Kolkata"},
		"Kubernetes":  {`schedule: "15 2,14 * * *"`, "timeZone: Asia/Kolkata"},
		"overdue run": {"15 2,14 * * * /usr/local/bin/overdue run"},
	} {
		code, _ := codeOf(all, name)
		for _, text := range want {
			if !strings.Contains(code, text) {
				t.Errorf("%s does not have %q:\n%s", name, text, code)
			}
		}
		if strings.Contains(code, exampleCron) || strings.Contains(code, exampleZone) {
			t.Errorf("%s has the schedule of the example:\n%s", name, code)
		}
	}
	if _, note := codeOf(all, "crontab"); !strings.Contains(note, "which must be Asia/Kolkata") {
		t.Errorf("the note %q does not name the zone", note)
	}
	if code, _ := codeOf(Examples(aURL), "crontab"); !strings.Contains(code, exampleCron) {
		t.Error("ExamplesFor changed the examples of the manual")
	}
}

func TestExamplesFor_SayWhichScheduleCannotBeConverted(t *testing.T) {
	all := ExamplesFor(aURL, Schedule{Interval: 90 * time.Minute})
	for _, name := range []string{"crontab", "systemd"} {
		if _, note := codeOf(all, name); !strings.Contains(note, "Replace the schedule") {
			t.Errorf("%s: the note is %q", name, note)
		}
	}
	if code, _ := codeOf(all, "Kubernetes"); strings.Contains(code, "timeZone") {
		t.Errorf("an interval has no time zone:\n%s", code)
	}
}

func TestSchedule_ConvertsIntervals(t *testing.T) {
	for interval, want := range map[time.Duration]string{
		time.Minute: "* * * * *", 5 * time.Minute: "*/5 * * * *", time.Hour: "0 * * * *", 6 * time.Hour: "0 */6 * * *",
		24 * time.Hour: "0 3 * * *", 7 * 24 * time.Hour: "0 3 * * 0", 7 * time.Minute: "", 40 * time.Second: "", 36 * time.Hour: "",
	} {
		if got, _ := cronOfInterval(interval); got != want {
			t.Errorf("%v is %q; want %q", interval, got, want)
		}
	}
}

func TestOnCalendarOfCron_KeepsTheTimes(t *testing.T) {
	for cron, want := range map[string][]string{
		"15 2,14 * * *":      {"*-*-* 02,14:15:00"},
		"*/20 * * * *":       {"*-*-* *:00,20,40:00"},
		"0 3 * * 1-5":        {"Mon..Fri *-*-* 03:00:00"},
		"0 3 * * SUN":        {"Sun *-*-* 03:00:00"},
		"0 3 * * 7":          {"Sun *-*-* 03:00:00"},
		"30 4 1 JAN,jul *":   {"*-01,07-01 04:30:00"},
		"0 8-10 1 * mon":     {"*-*-01 08,09,10:00:00", "Mon *-*-* 08,09,10:00:00"},
		"@daily":             {"*-*-* 00:00:00"},
		"0 3 L * *":          nil,
		"0 3 * * 5#2":        nil,
		"0 0 */2 * mon":      nil,
		"not a line of cron": nil,
	} {
		if got, _ := onCalendarOfCron(cron); !slices.Equal(got, want) {
			t.Errorf("%s is %q; want %q", cron, got, want)
		}
	}
}

func TestCronOfOnCalendar_ConvertsTimesOfDay(t *testing.T) {
	for line, want := range map[string]string{
		"*-*-* 02:00:00": "0 2 * * *", "Mon..Fri 08:05": "5 8 * * Mon-Fri", "Sun,Wed *-*-* 06:30:00": "30 6 * * Sun,Wed",
		"*:00,30": "0,30 * * * *", "hourly": "", "*-*-01 02:00:00": "", "*-*-* 02:00:30": "",
	} {
		if got, _ := cronOfOnCalendar(line); got != want {
			t.Errorf("%s is %q; want %q", line, got, want)
		}
	}
}
