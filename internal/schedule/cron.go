package schedule

import (
	"errors"
	"slices"
	"strings"
)

// Bounds on what is read, so that no input makes a schedule slow.
const (
	mostLines   = 50
	longestLine = 1000 // bytes
)

// Cron returns the schedule of one or more crontab lines, each of five fields
// or one of the words such as @daily, in the named zone ("" is UTC). It is due when any
// of the lines is. Empty lines are ignored.
//
// The language is that of crontab(5) in Debian, including how the two day fields
// combine: a day must match both if either field starts with "*", else one of
// them. Beyond it, the day of month may be L (the last), LW (the last weekday) or 15W (the
// weekday nearest the 15th), and the day of week mon#2 (the second Monday) or friL (the last Friday).
//
// What Debian takes without complaint but never runs, such as fri-sun, is refused.
// The error is a [*Problem].
func Cron(lines []string, zone string) (Schedule, error) {
	return build(lines, zone, "a cron line such as 0 3 * * *", explained(cronLine, foreign))
}

// build reads every line that is not empty, and finds the line at fault.
func build(lines []string, zone, wanted string, read func(line, zone string) (*timetable, error)) (Schedule, error) {
	u := &union{}
	var err error
	if u.zone, err = Zone(zone); err != nil {
		return nil, err
	}
	for i, line := range lines {
		text := strings.Join(strings.Fields(line), " ")
		if text == "" {
			continue
		}
		if len(text) > longestLine {
			return nil, problem("the line is too long: the longest has %d characters; spread it over several lines", longestLine).onLine(i + 1)
		}
		part, err := read(text, u.zone)
		if err != nil {
			return nil, onLine(err, i+1)
		}
		if len(u.parts) == mostLines {
			return nil, problem("the schedule is too long: write at most %d lines", mostLines).onLine(i + 1)
		}
		u.parts = append(u.parts, part)
	}
	if len(u.parts) == 0 {
		return nil, problem("the schedule is empty: write %s", wanted)
	}
	return u, nil
}

// explained wraps a reader: if explain has a better explanation of a problem, it
// replaces the problem.
func explained(read func(line, zone string) (*timetable, error), explain func(line string) *Problem) func(line, zone string) (*timetable, error) {
	return func(line, zone string) (*timetable, error) {
		t, err := read(line, zone)
		if err == nil {
			return t, nil
		}
		p := explain(line)
		if p == nil {
			return nil, err
		}
		if known, ok := errors.AsType[*Problem](err); ok && p.Text == "" {
			p.Text = known.Text
		}
		return nil, p
	}
}

// cronWords is what crontab(5) calls nicknames.
var cronWords = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// cronLine reads one line. The minute and the hour also decide which custom the line
// follows when the clock changes: a "*" at the beginning of either, "*/5" included, makes it
// a wildcard job to Debian, "0-59" does not.
func cronLine(line, zone string) (*timetable, error) {
	fields, err := cronSplit(line)
	if err != nil {
		return nil, err
	}
	p := pattern{years: everyYear(), seconds: onTheMinute()}
	if p.minutes, err = minuteField.parse(fields[0]); err != nil {
		return nil, err
	}
	if p.hours, err = hourField.parse(fields[1]); err != nil {
		return nil, err
	}
	if p.months, err = monthField.parse(fields[3]); err != nil {
		return nil, err
	}
	// Debian sets its star flags by the first character of a field, no more.
	days := &cronDays{both: strings.HasPrefix(fields[2], "*") || strings.HasPrefix(fields[4], "*")}
	if err := days.parse(fields[2], fields[4]); err != nil {
		return nil, err
	}
	p.days = days
	if _, ok := p.next(0); !ok {
		return nil, problem("%s names a day that never comes: look at the day of month and the month", quote(line))
	}
	// Zone has loaded it once; this fails only if the files changed in between.
	loc, err := load(zone)
	if err != nil {
		return nil, err
	}
	t := &timetable{pattern: p, loc: loc, custom: cronFixed, zone: zone, source: line}
	if strings.HasPrefix(fields[0], "*") || strings.HasPrefix(fields[1], "*") {
		t.custom = cronWild
	}
	return t, nil
}

// cronSplit returns the five fields, or says what is wrong with their number.
func cronSplit(line string) ([]string, error) {
	if strings.HasPrefix(line, "@") {
		return cronWord(line)
	}
	if name, _, ok := strings.Cut(line, "="); ok && strings.HasSuffix(name, "TZ") {
		return nil, problem("%s is a setting, not a cron line: choose the time zone of the schedule", quote(line))
	}
	fields := strings.Fields(line)
	switch n := len(fields); {
	case n == 5:
		return fields, nil
	case n < 5:
		return nil, problem("%s has %d of 5 fields: write minute, hour, day of month, month and day of week, such as 0 3 * * *", quote(line), n)
	case fieldBehind(fields[5]):
		return nil, problem("%s has more than 5 fields: cron knows neither seconds nor years; write minute, hour, day of month, month and day of week", quote(line))
	}
	text := strings.Join(fields[:5], " ")
	if _, err := cronLine(text, "UTC"); err != nil {
		return nil, err // leaving the command out would not help
	}
	return nil, problem("%s goes on after the fifth field: leave the command out and write %s", quote(line), short(text))
}

// fieldBehind tells a sixth field, which may be misspelt, from a command.
func fieldBehind(s string) bool {
	if cronLike(s) {
		return true
	}
	lower := strings.ToLower(s)
	for _, name := range slices.Concat(monthField.names, weekdayField.names) {
		if strings.HasPrefix(lower, name) && !strings.Contains(lower, "/") {
			return true
		}
	}
	return false
}

// cronWord returns the fields that a nickname stands for. They behave as written out,
// @hourly as a wildcard job, the others at a fixed time.
func cronWord(line string) ([]string, error) {
	word := strings.ToLower(line)
	if word == "@reboot" {
		return nil, problem("@reboot has no time at which it is due: use an interval instead")
	}
	expanded, ok := cronWords[word]
	if !ok {
		return nil, problem("%s is not known: write @hourly, @daily, @weekly, @monthly, @yearly or five fields such as 0 3 * * *", quote(line))
	}
	return strings.Fields(expanded), nil
}
