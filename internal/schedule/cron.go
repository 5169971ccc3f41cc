package schedule

import (
	"errors"
	"slices"
	"strings"

	"overdue/internal/schedule/wallclock"
)

// Limits of the input, so that no input makes a schedule slow.
const (
	maxLines      = 50
	maxLineLength = 1000 // bytes
)

// Cron parses one or more crontab lines, each with five fields or a nickname such as @daily, in the
// named zone ("" is UTC). The schedule is due when any of the lines is. Empty lines are ignored.
//
// The syntax is that of crontab(5) in Debian, including how the two day fields combine: a day must
// match both if either field starts with "*", otherwise one of them. In addition, the day of month
// can be L (the last), LW (the last weekday) or 15W (the weekday nearest the 15th), and the day of
// week mon#2 (the second Monday) or friL (the last Friday).
//
// Expressions that Debian accepts but never runs, such as fri-sun, are rejected. The error is a
// [*Problem].
func Cron(lines []string, zone string) (Schedule, error) {
	return parseLines(lines, zone, "a cron line such as 0 3 * * *", withExplanation(parseCron, explainCronLine))
}

// parseLines parses every line that is not empty. An error has the number of its line.
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
			return nil, problemf("the line is too long (maximum %d characters): split it into several lines", maxLineLength).withLine(i + 1)
		}
		part, err := read(text, u.zone)
		if err != nil {
			return nil, withLine(err, i+1)
		}
		if len(u.lines) == maxLines {
			return nil, problemf("too many lines: the maximum is %d", maxLines).withLine(i + 1)
		}
		u.lines = append(u.lines, part)
	}
	if len(u.lines) == 0 {
		return nil, problemf("the schedule is empty: write %s", wanted)
	}
	return u, nil
}

// withExplanation wraps a parser: if explain has a better explanation of a problem, it replaces the
// problem.
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

// cronNicknames are the nicknames of crontab(5).
var cronNicknames = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// parseCron parses one line. The minute and the hour also decide which policy applies when the
// clock changes: a "*" at the start of either, including "*/5", makes it a wildcard job in Debian;
// "0-59" does not.
func parseCron(line, zone string) (*lineSchedule, error) {
	fields, err := splitCronFields(line)
	if err != nil {
		return nil, err
	}
	p := pattern{years: allYears(), seconds: wallclock.SecondZero()}
	if p.minutes, err = minuteField.parse(fields[0]); err != nil {
		return nil, err
	}
	if p.hours, err = hourField.parse(fields[1]); err != nil {
		return nil, err
	}
	if p.months, err = monthField.parse(fields[3]); err != nil {
		return nil, err
	}
	// Debian sets its star flags by the first character of a field only.
	days := &cronDays{matchBoth: strings.HasPrefix(fields[2], "*") || strings.HasPrefix(fields[4], "*")}
	if err := days.parse(fields[2], fields[4]); err != nil {
		return nil, err
	}
	p.days = days
	if _, ok := p.next(0); !ok {
		return nil, problemf("%s never occurs: check the day of month and the month", quote(line))
	}
	// CanonicalZone has loaded it before. This fails only if the files changed since.
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
		return nil, problemf("%s is a setting, not a cron line: set the time zone of the schedule instead", quote(line))
	}
	fields := strings.Fields(line)
	switch n := len(fields); {
	case n == 5:
		return fields, nil
	case n < 5:
		return nil, problemf("%s has %d of 5 fields: write minute, hour, day of month, month and day of week, such as 0 3 * * *", quote(line), n)
	case isSixthField(fields[5]):
		return nil, problemf("%s has more than 5 fields: cron has neither seconds nor years; write minute, hour, day of month, month and day of week", quote(line))
	}
	text := strings.Join(fields[:5], " ")
	if _, err := parseCron(text, "UTC"); err != nil {
		return nil, err // removing the command would not help
	}
	return nil, problemf("%s has text after the fifth field: remove the command and write %s", quote(line), excerpt(text))
}

// isSixthField reports whether the text after five fields is a further field, which can be
// misspelt, and not a command.
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

// expandNickname returns the fields of a nickname. @hourly is a wildcard job, the others have a
// fixed time.
func expandNickname(line string) ([]string, error) {
	word := strings.ToLower(line)
	if word == "@reboot" {
		return nil, problemf("@reboot has no schedule: use an interval instead")
	}
	expanded, ok := cronNicknames[word]
	if !ok {
		return nil, problemf("%s is not a known nickname: write @hourly, @daily, @weekly, @monthly, @yearly or five fields such as 0 3 * * *", quote(line))
	}
	return strings.Fields(expanded), nil
}
