package schedule

import (
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule/wallclock"
)

// OnCalendar parses one or more systemd calendar expressions, as in OnCalendar= of a timer
// (systemd.time(7), "Calendar Events", version 252). They use the given zone ("" is UTC) unless an
// expression ends with a zone. The schedule is due when any of them is. Empty lines are ignored.
//
// A zone at the end of an expression must be a name such as Europe/Berlin or UTC. Abbreviations
// that systemd knows only on some machines, such as CEST, are rejected, and so are days that do not
// exist. The error is a [*Problem].
func OnCalendar(lines []string, zone string) (Schedule, error) {
	return parseLines(lines, zone, "a calendar expression such as Mon..Fri 03:00", withExplanation(parseOnCalendar, explainNotOnCalendar))
}

// onCalendarShorthands are the shorthands of systemd.time(7). systemd also accepts the spelling
// "anually".
var onCalendarShorthands = map[string]string{
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

// parseOnCalendar parses one expression. A last part with a letter can only be a zone, because
// weekdays come first and everything else is digits.
func parseOnCalendar(line, zone string) (*lineSchedule, error) {
	parts := strings.Split(line, " ")
	if last := len(parts) - 1; last > 0 && hasLetter(parts[last]) {
		own, err := onCalendarZone(parts[last])
		if err != nil {
			return nil, err
		}
		zone, parts = own, parts[:last]
	}
	source := strings.Join(parts, " ")
	if len(parts) == 1 {
		if meaning, ok := onCalendarShorthands[strings.ToLower(parts[0])]; ok {
			parts = strings.Split(meaning, " ")
		}
	}
	p, absolute, err := parseOnCalendarPattern(parts)
	if err != nil {
		return nil, err
	}
	if absolute {
		zone = "UTC"
	}
	if _, ok := p.next(0); !ok {
		return nil, problemf("%s never occurs: check the date and the weekday", quote(line))
	}
	loc, err := loadLocation(zone)
	if err != nil {
		return nil, err
	}
	return &lineSchedule{pattern: *p, loc: loc, policy: onCalendarPolicy, zone: zone, source: source}, nil
}

// onCalendarZone is CanonicalZone, but accepts "utc" in any case, as systemd does.
func onCalendarZone(name string) (string, error) {
	if strings.EqualFold(name, "UTC") {
		return "UTC", nil
	}
	return CanonicalZone(name)
}

// hasLetter reports whether s has an ASCII letter. Names of zones and weekdays have no others.
func hasLetter(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
}

// parseOnCalendarPattern parses weekdays, date and time, each of which is optional. A number of
// seconds since 1970 is absolute: it is in UTC, whatever the zone.
func parseOnCalendarPattern(parts []string) (p *pattern, absolute bool, err error) {
	p = &pattern{years: allYears(), months: wallclock.BitsetOf(1, 12), hours: wallclock.BitsetOf(0, 0), minutes: wallclock.BitsetOf(0, 0), seconds: wallclock.SecondZero()}
	days := &onCalendarDays{dates: wallclock.BitsetOf(1, 31), weekdays: wallclock.BitsetOf(0, 6)}
	p.days = days
	if hasLetter(parts[0][:1]) {
		if days.weekdays, err = parseWeekdays(parts[0]); err != nil {
			return nil, false, err
		}
		parts = parts[1:]
	}
	if len(parts) == 1 && strings.HasPrefix(parts[0], "@") {
		return p, true, p.parseEpoch(parts[0][1:], days)
	}
	if len(parts) > 0 && !strings.Contains(parts[0], ":") {
		if err := p.parseDate(parts[0], days); err != nil {
			return nil, false, err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 {
		if err := p.parseTime(parts[0]); err != nil {
			return nil, false, err
		}
		parts = parts[1:]
	}
	if len(parts) > 0 {
		return nil, false, problemf("%s is not expected after the time: write weekdays, date, time and zone in this order", quote(parts[0]))
	}
	return p, false, nil
}

// parseEpoch parses "@1700000000".
func (p *pattern) parseEpoch(text string, days *onCalendarDays) error {
	seconds, err := strconv.ParseInt(text, 10, 64)
	w := wallclock.WallTime(seconds)
	if err != nil || !isDigits(text) || w >= wallclock.SearchEnd/wallclock.Second {
		return problemf("%s is not a timestamp: write the seconds since 1970 after the @, such as @1767225600", quote("@"+text))
	}
	t := time.Unix(seconds, 0).UTC()
	p.years = years{}
	p.years.add(t.Year())
	p.months = wallclock.BitsetOf(int(t.Month()), int(t.Month()))
	days.dates = wallclock.BitsetOf(t.Day(), t.Day())
	p.hours = wallclock.BitsetOf(t.Hour(), t.Hour())
	p.minutes = wallclock.BitsetOf(t.Minute(), t.Minute())
	p.seconds = wallclock.Ticks{{Start: wallclock.WallTime(t.Second()) * wallclock.Second, Stop: wallclock.WallTime(t.Second()) * wallclock.Second}}
	return nil
}

// parseDate parses "*-*-*", "2026-01-01", "01-01", and "*-02~03", the third last day.
func (p *pattern) parseDate(text string, days *onCalendarDays) error {
	// Only the separator before the day can be a tilde.
	at := strings.LastIndexAny(text, "-~")
	if at < 0 {
		return problemf("%s is neither a date nor a time: write for example *-*-01 or 03:00", quote(text))
	}
	rest, dayText := text[:at], text[at+1:]
	if year, month, ok := strings.Cut(rest, "-"); ok {
		values, err := onCalendarYear.parse(year)
		if err != nil {
			return err
		}
		p.years = values.years()
		rest = month
	}
	months, err := onCalendarMonth.parse(rest)
	if err != nil {
		return err
	}
	p.months = months.set(onCalendarMonth)
	if dayText == "*" {
		return nil
	}
	unit := onCalendarDate
	unit.fromEnd = text[at] == '~'
	dates, err := unit.parse(dayText)
	if err != nil {
		return err
	}
	if unit.fromEnd {
		days.dates, days.fromEnd = 0, dates
		dates = dates.asDecemberDays()
	} else {
		days.dates = dates.set(unit)
	}
	last := days.dates.Last()
	for _, part := range days.fromEnd {
		last = max(last, part.daysFromEnd(31).Last())
	}
	p.overrun.day = dates.overrunPast(last, 31)
	return nil
}

// parseTime parses "03:00" and "03:00:00.5".
func (p *pattern) parseTime(text string) error {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return problemf("%s is not a time: write hours and minutes, such as 03:00", quote(text))
	}
	hours, err := onCalendarHour.parse(parts[0])
	if err != nil {
		return err
	}
	minutes, err := onCalendarMinute.parse(parts[1])
	if err != nil {
		return err
	}
	p.hours, p.minutes = hours.set(onCalendarHour), minutes.set(onCalendarMinute)
	p.overrun.hour = hours.overrunPast(p.hours.Last(), onCalendarHour.max)
	p.overrun.minute = minutes.overrunPast(p.minutes.Last(), onCalendarMinute.max)
	if len(parts) == 3 {
		seconds, err := onCalendarSecond.parse(parts[2])
		if err != nil {
			return err
		}
		p.seconds = seconds.secondTicks()
		p.overrun.second = wallclock.WallTime(seconds.overrunPast(int(p.seconds.Last()), onCalendarSecond.max))
	}
	return nil
}
