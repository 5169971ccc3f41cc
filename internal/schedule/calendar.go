package schedule

import (
	"strconv"
	"strings"
	"time"
)

// OnCalendar returns the schedule of one or more systemd calendar expressions, as
// OnCalendar= of a timer takes them (systemd.time(7), "Calendar Events", version 252).
// They are in the named zone ("" is UTC) unless they end in a zone of their own.
// It is due when any of them is. Empty lines are ignored.
//
// Zones at the end of an expression are names such as Europe/Berlin or UTC.
// Abbreviations that systemd knows only on some machines, such as CEST, are refused,
// and so are days that never come. The error is a [*Problem].
func OnCalendar(lines []string, zone string) (Schedule, error) {
	return build(lines, zone, "a calendar expression such as Mon..Fri 03:00", explained(calendarLine, cronInCalendar))
}

// calendarWords is what systemd.time(7) calls shorthands. "anually" is in there, too.
var calendarWords = map[string]string{
	"minutely":      "*-*-* *:*:00",
	"hourly":        "*-*-* *:00:00",
	"daily":         "*-*-* 00:00:00",
	"monthly":       "*-*-01 00:00:00",
	"weekly":        "Mon *-*-* 00:00:00",
	"yearly":        "*-01-01 00:00:00",
	"annually":      "*-01-01 00:00:00",
	"anually":       "*-01-01 00:00:00",
	"quarterly":     "*-01,04,07,10-01 00:00:00",
	"semiannually":  "*-01,07-01 00:00:00",
	"semi-annually": "*-01,07-01 00:00:00",
	"biannually":    "*-01,07-01 00:00:00",
	"bi-annually":   "*-01,07-01 00:00:00",
}

// calendarLine reads one expression. A last part with a letter can only be a zone, as
// weekdays come first and all else is digits.
func calendarLine(line, zone string) (*timetable, error) {
	parts := strings.Split(line, " ")
	if last := len(parts) - 1; last > 0 && hasLetter(parts[last]) {
		own, err := calendarZone(parts[last])
		if err != nil {
			return nil, err
		}
		zone, parts = own, parts[:last]
	}
	source := strings.Join(parts, " ")
	if len(parts) == 1 {
		if meaning, ok := calendarWords[strings.ToLower(parts[0])]; ok {
			parts = strings.Split(meaning, " ")
		}
	}
	p, absolute, err := calendarPattern(parts)
	if err != nil {
		return nil, err
	}
	if absolute {
		zone = "UTC"
	}
	if _, ok := p.next(0); !ok {
		return nil, problem("%s names a day that never comes: look at the date and the weekday", quote(line))
	}
	loc, err := load(zone)
	if err != nil {
		return nil, err
	}
	return &timetable{pattern: *p, loc: loc, custom: calendarOnce, zone: zone, source: source}, nil
}

// calendarZone is Zone, but systemd takes "utc" in any case.
func calendarZone(name string) (string, error) {
	if strings.EqualFold(name, "UTC") {
		return "UTC", nil
	}
	return Zone(name)
}

// hasLetter looks for ASCII letters, all that names of zones and weekdays have.
func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
}

// calendarPattern reads weekdays, date and time, each of which may be missing.
// A number of seconds since 1970 is absolute: it is UTC whatever zone is named.
func calendarPattern(parts []string) (p *pattern, absolute bool, err error) {
	p = &pattern{years: everyYear(), months: numbers(1, 12), hours: numbers(0, 0), minutes: numbers(0, 0), seconds: onTheMinute()}
	days := &calendarDays{dates: numbers(1, 31), weekdays: numbers(0, 6)}
	p.days = days
	if hasLetter(parts[0][:1]) {
		if days.weekdays, err = calendarWeekdays(parts[0]); err != nil {
			return nil, false, err
		}
		parts = parts[1:]
	}
	if len(parts) == 1 && strings.HasPrefix(parts[0], "@") {
		return p, true, p.epoch(parts[0][1:], days)
	}
	if len(parts) > 0 && !strings.Contains(parts[0], ":") {
		if err := p.calendarDate(parts[0], days); err != nil {
			return nil, false, err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 {
		if err := p.calendarTime(parts[0]); err != nil {
			return nil, false, err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 {
		return nil, false, problem("%s is not expected after the time: write weekdays, date, time and zone in this order", quote(parts[0]))
	}
	return p, false, nil
}

// epoch reads "@1700000000".
func (p *pattern) epoch(text string, days *calendarDays) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	w := wall(seconds)
	if err != nil || !digits(text) || w >= horizon/second {
		return problem("%s is not a moment: write seconds since 1970 after the @, such as @1767225600", quote("@"+text))
	}
	t := time.Unix(seconds, 0).UTC()
	p.years = years{}
	p.years.add(t.Year())
	p.months = numbers(int(t.Month()), int(t.Month()))
	days.dates = numbers(t.Day(), t.Day())
	p.hours = numbers(t.Hour(), t.Hour())
	p.minutes = numbers(t.Minute(), t.Minute())
	p.seconds = ticks{{start: wall(t.Second()) * second, stop: wall(t.Second()) * second}}
	return nil
}

// calendarDate reads "*-*-*", "2026-01-01", "01-01", and "*-02~03", the third last day.
func (p *pattern) calendarDate(text string, days *calendarDays) error {
	// Only the mark before the day may be a tilde.
	at := strings.LastIndexAny(text, "-~")
	if at < 0 {
		return problem("%s is neither a date nor a time: write *-*-01 or 03:00", quote(text))
	}
	rest, dayText := text[:at], text[at+1:]
	if year, month, ok := strings.Cut(rest, "-"); ok {
		values, err := yearUnit.parse(year)
		if err != nil {
			return err
		}
		p.years = values.years()
		rest = month
	}
	months, err := monthUnit.parse(rest)
	if err != nil {
		return err
	}
	p.months = months.set(monthUnit)
	if dayText == "*" {
		return nil
	}
	unit := dateUnit
	unit.fromEnd = text[at] == '~'
	dates, err := unit.parse(dayText)
	if err != nil {
		return err
	}
	if unit.fromEnd {
		days.dates, days.fromEnd = 0, dates
		dates = dates.inDecember()
	} else {
		days.dates = dates.set(unit)
	}
	last := days.dates.last()
	for _, part := range days.fromEnd {
		last = max(last, part.beforeEnd(31).last())
	}
	p.over.day = dates.beyond(last, 31)
	return nil
}

// calendarTime reads "03:00" and "03:00:00.5".
func (p *pattern) calendarTime(text string) error {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return problem("%s is not a time: write hours and minutes, such as 03:00", quote(text))
	}
	hours, err := clockHourUnit.parse(parts[0])
	if err != nil {
		return err
	}
	minutes, err := clockMinuteUnit.parse(parts[1])
	if err != nil {
		return err
	}
	p.hours, p.minutes = hours.set(clockHourUnit), minutes.set(clockMinuteUnit)
	p.over.hour = hours.beyond(p.hours.last(), clockHourUnit.high)
	p.over.minute = minutes.beyond(p.minutes.last(), clockMinuteUnit.high)
	if len(parts) == 3 {
		seconds, err := clockSecondUnit.parse(parts[2])
		if err != nil {
			return err
		}
		p.seconds = seconds.ticks()
		p.over.second = wall(seconds.beyond(int(p.seconds.last()), clockSecondUnit.high))
	}
	return nil
}
