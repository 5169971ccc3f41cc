package snippet

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule is the schedule of the job of a heartbeat. The examples use it instead of the
// schedule of [Examples]. At most one of the first three fields is set.
type Schedule struct {
	Interval   time.Duration
	Cron       []string // lines of crontab(5)
	OnCalendar []string // lines of systemd.time(7)
	Zone       string   // time zone of Cron or OnCalendar
}

// The schedule of examples that do not belong to a heartbeat.
const (
	exampleCron       = "0 3 * * *"
	exampleOnCalendar = "*-*-* 03:00:00"
	exampleZone       = "Europe/Berlin"
)

// ExamplesFor returns all examples with the ping URL and the schedule of a heartbeat.
func ExamplesFor(pingURL string, s Schedule) []Example {
	all := Examples(pingURL)
	cron, cronOK := s.cronLines()
	timer, timerOK := s.onCalendarLines()
	for i, e := range all {
		var usesCron, usesTimer bool
		for n, b := range e.Blocks {
			usesCron = usesCron || strings.Contains(b.Code, exampleCron)
			usesTimer = usesTimer || strings.Contains(b.Code, exampleOnCalendar)
			e.Blocks[n].Code = s.fill(b, cron, timer)
		}
		switch {
		case usesCron && !cronOK, usesTimer && !timerOK:
			all[i].Note += " Replace the schedule of the example: this one cannot be converted."
		case usesCron:
			all[i].Note = strings.TrimSpace(e.Note + " " + s.cronNote(e.Name, len(cron)))
		}
	}
	return all
}

// fill replaces the schedule of a block.
func (s Schedule) fill(b Block, cron, timer []string) string {
	code := strings.ReplaceAll(b.Code, "OnCalendar="+exampleOnCalendar, "OnCalendar="+strings.Join(timer, "\nOnCalendar="))
	switch {
	case s.Zone == "":
		code = strings.ReplaceAll(code, "  timeZone: "+exampleZone+"\n", "")
	default:
		code = strings.ReplaceAll(code, "timeZone: "+exampleZone, "timeZone: "+s.Zone)
	}
	return strings.ReplaceAll(code, exampleCron, cron[0])
}

// cronNote describes what a cron line cannot express.
func (s Schedule) cronNote(example string, lines int) string {
	var note []string
	if lines > 1 {
		note = append(note, fmt.Sprintf("The heartbeat has %d lines of cron; the example shows the first.", lines))
	}
	switch {
	case s.Zone == "" || example == kubernetesExample.Name:
	case example == githubExample.Name && s.Zone != "UTC":
		note = append(note, "GitHub reads the schedule in UTC; the heartbeat has "+s.Zone+".")
	case example != githubExample.Name:
		note = append(note, "cron reads the line in the time zone of the host, which must be "+s.Zone+".")
	}
	return strings.Join(note, " ")
}

// cronLines returns the schedule as lines of cron, or the one of the example.
func (s Schedule) cronLines() (lines []string, ok bool) {
	switch {
	case len(s.Cron) > 0:
		return s.Cron, true
	case len(s.OnCalendar) == 1:
		if line, ok := cronOfOnCalendar(s.OnCalendar[0]); ok {
			return []string{line}, true
		}
	case s.Interval > 0:
		if line, ok := cronOfInterval(s.Interval); ok {
			return []string{line}, true
		}
	}
	return []string{exampleCron}, false
}

// onCalendarLines returns the schedule as lines of a systemd timer, with the zone.
func (s Schedule) onCalendarLines() (lines []string, ok bool) {
	zone := ""
	if s.Zone != "" {
		zone = " " + s.Zone
	}
	cron := s.Cron
	if s.Interval > 0 {
		cron, ok = s.cronLines()
		if !ok {
			return []string{exampleOnCalendar}, false
		}
	}
	for _, line := range s.OnCalendar {
		lines = append(lines, line+zone)
	}
	for _, line := range cron {
		converted, ok := onCalendarOfCron(line)
		if !ok {
			return []string{exampleOnCalendar}, false
		}
		for _, l := range converted {
			lines = append(lines, l+zone)
		}
	}
	if len(lines) == 0 {
		return []string{exampleOnCalendar}, false
	}
	return lines, true
}

// cronOfInterval returns a line of cron with the same distance between runs.
func cronOfInterval(d time.Duration) (string, bool) {
	minutes, hours := int(d/time.Minute), int(d/time.Hour)
	switch {
	case d == time.Minute:
		return "* * * * *", true
	case d%time.Minute == 0 && minutes > 1 && minutes < 60 && 60%minutes == 0:
		return "*/" + strconv.Itoa(minutes) + " * * * *", true
	case d == time.Hour:
		return "0 * * * *", true
	case d%time.Hour == 0 && hours > 1 && hours < 24 && 24%hours == 0:
		return "0 */" + strconv.Itoa(hours) + " * * *", true
	case d == 24*time.Hour:
		return exampleCron, true
	case d == 7*24*time.Hour:
		return "0 3 * * 0", true
	}
	return "", false
}

// dailyOnCalendar matches the lines that have an equal line of cron: times of day,
// with or without days of the week.
var dailyOnCalendar = regexp.MustCompile(`^(?:((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:(?:\.\.|,)(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun))*) )?(?:\*-\*-\* )?([0-9,]+|\*):([0-9,]+)(?::00?)?$`)

// cronOfOnCalendar returns the line of cron for times of day.
func cronOfOnCalendar(line string) (string, bool) {
	m := dailyOnCalendar.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	days := "*"
	if m[1] != "" {
		days = strings.ReplaceAll(m[1], "..", "-")
	}
	number := func(text string) string {
		return regexp.MustCompile(`\b0([0-9])\b`).ReplaceAllString(text, "$1")
	}
	return number(m[3]) + " " + number(m[2]) + " * * " + days, true
}

// cronNicknames are the short forms of crontab(5).
var cronNicknames = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

var (
	monthNames   = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	weekdayNames = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
)

// onCalendarOfCron converts a line of cron. If it restricts both the day of the month
// and the day of the week, cron runs on either, which takes two lines.
func onCalendarOfCron(line string) ([]string, bool) {
	if full, ok := cronNicknames[strings.ToLower(line)]; ok {
		line = full
	}
	f := strings.Fields(line)
	if len(f) != 5 {
		return nil, false
	}
	minutes, ok1 := cronField(f[0], 0, 59, nil)
	hours, ok2 := cronField(f[1], 0, 23, nil)
	dates, ok3 := cronField(f[2], 1, 31, nil)
	months, ok4 := cronField(f[3], 1, 12, monthNames)
	days, ok5 := cronField(f[4], 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"})
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return nil, false
	}
	clock := numberList(hours, 2) + ":" + numberList(minutes, 2) + ":00"
	month := "*-" + numberList(months, 2) + "-"
	byDate := month + numberList(dates, 2) + " " + clock
	byDay := weekdayList(days) + " " + month + "* " + clock
	switch {
	case days == nil:
		return []string{byDate}, true
	case dates == nil:
		return []string{byDay}, true
	case strings.HasPrefix(f[2], "*") || strings.HasPrefix(f[4], "*"):
		return nil, false // both restrictions apply, and cron programs disagree on it
	}
	return []string{byDate, byDay}, true
}

// cronField returns the values of a field, or nil for all.
func cronField(text string, low, high int, names []string) (values []int, ok bool) {
	if text == "*" {
		return nil, true
	}
	number := func(word string) (int, bool) {
		if i := slices.Index(names, strings.ToLower(word)); i >= 0 && word != "" {
			return i, true
		}
		n, err := strconv.Atoi(word)
		return n, err == nil && n >= low && n <= high
	}
	for item := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			if step, _ = strconv.Atoi(stepText); step < 1 {
				return nil, false
			}
		}
		from, to, isRange := strings.Cut(span, "-")
		first, last := low, high
		if span != "*" {
			var ok bool
			if first, ok = number(from); !ok {
				return nil, false
			}
			switch {
			case isRange:
				if last, ok = number(to); !ok {
					return nil, false
				}
			case !stepped:
				last = first
			}
		}
		for n := first; n <= last; n += step {
			values = append(values, n)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), len(values) > 0
}

// numberList returns the values of a field for systemd, such as "*" or "08,18".
func numberList(values []int, digits int) string {
	if values == nil {
		return "*"
	}
	var words []string
	for _, n := range values {
		words = append(words, fmt.Sprintf("%0*d", digits, n))
	}
	return strings.Join(words, ",")
}

// weekdayList returns the days of the week for systemd.
func weekdayList(days []int) string {
	var words []string
	for _, n := range days {
		if !slices.Contains(words, weekdayNames[n]) {
			words = append(words, weekdayNames[n])
		}
	}
	if strings.Join(words, ",") == "Mon,Tue,Wed,Thu,Fri" {
		return "Mon..Fri"
	}
	return strings.Join(words, ",")
}
