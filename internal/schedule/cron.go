package schedule

import (
	"errors"
	"slices"
	"strings"
)

// Bounds on what is read, so that no input makes a schedule slow.
const (
	maxLines      = 50
	maxLineLength = 1000 // bytes
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
	return parseLines(lines, zone, "a cron line such as 0 3 * * *", withExplanation(parseCron, explainCronLine))
}

// parseLines reads every line that is not empty, and finds the line at fault.
func parseLines(lines []string, zone, wanted string, read func(line, zone string) (*lineSchedule, error)) (Schedule, error) {
	u := &multiLine{}
	var err error
	if u.zone, err = CanonicalZone(zone); err != nil {
		return nil, err
	}
	for i, line := range lines {
		text := strings.Join(strings.Fields(line), " ")
		if text == "" {
			continue
		}
		if len(text) > maxLineLength {
			return nil, problemf("the line is too long: the longest has %d characters; spread it over several lines", maxLineLength).withLine(i + 1)
		}
		part, err := read(text, u.zone)
		if err != nil {
			return nil, withLine(err, i+1)
		}
		if len(u.lines) == maxLines {
			return nil, problemf("the schedule is too long: write at most %d lines", maxLines).withLine(i + 1)
		}
		u.lines = append(u.lines, part)
	}
	if len(u.lines) == 0 {
		return nil, problemf("the schedule is empty: write %s", wanted)
	}
	return u, nil
}

// withExplanation wraps a reader: if explain has a better explanation of a problem, it
// replaces the problem.
func withExplanation(read func(line, zone string) (*lineSchedule, error), explain func(line string) *Problem) func(line, zone string) (*lineSchedule, error) {
	return func(line, zone string) (*lineSchedule, error) {
		t, err := read(line, zone)
		if err == nil {
			return t, nil
		}
		p := explain(line)
		if p == nil {
			return nil, err
		}
		if known, ok := errors.AsType[*Problem](err); ok && p.Message == "" {
			p.Message = known.Message
		}
		return nil, p
	}
}

// cronNicknames is what crontab(5) calls nicknames.
var cronNicknames = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// parseCron reads one line. The minute and the hour also decide which custom the line
// follows when the clock changes: a "*" at the beginning of either, "*/5" included, makes it
// a wildcard job to Debian, "0-59" does not.
func parseCron(line, zone string) (*lineSchedule, error) {
	fields, err := splitCronFields(line)
	if err != nil {
		return nil, err
	}
	p := pattern{years: allYears(), seconds: secondZero()}
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
	days := &cronDays{matchBoth: strings.HasPrefix(fields[2], "*") || strings.HasPrefix(fields[4], "*")}
	if err := days.parse(fields[2], fields[4]); err != nil {
		return nil, err
	}
	p.days = days
	if _, ok := p.next(0); !ok {
		return nil, problemf("%s names a day that never comes: look at the day of month and the month", quote(line))
	}
	// Zone has loaded it once; this fails only if the files changed in between.
	loc, err := loadLocation(zone)
	if err != nil {
		return nil, err
	}
	t := &lineSchedule{pattern: p, loc: loc, policy: cronFixedTimePolicy, zone: zone, source: line}
	if strings.HasPrefix(fields[0], "*") || strings.HasPrefix(fields[1], "*") {
		t.policy = cronWildcardPolicy
	}
	return t, nil
}

// splitCronFields returns the five fields, or says what is wrong with their number.
func splitCronFields(line string) ([]string, error) {
	if strings.HasPrefix(line, "@") {
		return expandNickname(line)
	}
	if name, _, ok := strings.Cut(line, "="); ok && strings.HasSuffix(name, "TZ") {
		return nil, problemf("%s is a setting, not a cron line: choose the time zone of the schedule", quote(line))
	}
	fields := strings.Fields(line)
	switch n := len(fields); {
	case n == 5:
		return fields, nil
	case n < 5:
		return nil, problemf("%s has %d of 5 fields: write minute, hour, day of month, month and day of week, such as 0 3 * * *", quote(line), n)
	case isSixthField(fields[5]):
		return nil, problemf("%s has more than 5 fields: cron knows neither seconds nor years; write minute, hour, day of month, month and day of week", quote(line))
	}
	text := strings.Join(fields[:5], " ")
	if _, err := parseCron(text, "UTC"); err != nil {
		return nil, err // leaving the command out would not help
	}
	return nil, problemf("%s goes on after the fifth field: leave the command out and write %s", quote(line), excerpt(text))
}

// isSixthField tells a sixth field, which may be misspelt, from a command.
func isSixthField(s string) bool {
	if looksLikeCronField(s) {
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

// expandNickname returns the fields that a nickname stands for. They behave as written out,
// @hourly as a wildcard job, the others at a fixed time.
func expandNickname(line string) ([]string, error) {
	word := strings.ToLower(line)
	if word == "@reboot" {
		return nil, problemf("@reboot has no time at which it is due: use an interval instead")
	}
	expanded, ok := cronNicknames[word]
	if !ok {
		return nil, problemf("%s is not known: write @hourly, @daily, @weekly, @monthly, @yearly or five fields such as 0 3 * * *", quote(line))
	}
	return strings.Fields(expanded), nil
}
