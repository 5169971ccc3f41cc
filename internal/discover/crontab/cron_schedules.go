package crontab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseCronieSchedule parses a schedule as documented in crontab(5) of cronie. cronie skips lines
// that it cannot parse.
func parseCronieSchedule(fields []string, _ string, _ time.Time) daemonSchedule {
	if isNickname(fields) {
		if slices.Contains(cronNicknames, fields[0]) {
			return asCron(fields)
		}
		return daemonSchedule{Problem: "cronie skips this line, because it does not support " + fields[0], Rejected: true}
	}
	if strings.Contains(strings.Join(fields, " "), "~") {
		return daemonSchedule{Problem: "cronie chooses a random time in a range with ~, and Overdue has no such schedule: create a heartbeat with the earliest time, and add the range to its grace period"}
	}
	if _, ok := parsePlainFields(fields); !ok {
		return daemonSchedule{Problem: "cronie skips this line, or never runs it", Rejected: true}
	}
	return asCron(fields)
}

// parseBcronSchedule parses a schedule as bcron 0.11 does: a day must always match both day fields.
func parseBcronSchedule(fields []string, zone string, now time.Time) daemonSchedule {
	if isNickname(fields) {
		return daemonSchedule{Problem: "bcron skips this line, because it does not support nicknames such as " + fields[0], Rejected: true}
	}
	if _, ok := parsePlainFields(fields); !ok {
		return daemonSchedule{Problem: "bcron skips this line, or never runs it", Rejected: true}
	}
	if restrictsBothDays(fields) {
		return daemonSchedule{Problem: fmt.Sprintf("bcron runs this line only on days that match both day fields (%s and %s); in Overdue, a day must match only one of them", fields[dateField], fields[weekdayField])}
	}
	if AffectedByClockChange(fields, zone, now) {
		return daemonSchedule{Problem: "when the clock changes, bcron runs this line at other times than Overdue expects: move it out of the hour that the change skips or repeats"}
	}
	return asCron(fields)
}

// parseBusyBoxSchedule accepts schedules that busybox 1.35 is known to run as Overdue expects. In a
// step after a star, busybox counts days and months from 0. Its month names are off by one, and 7
// is not a day of the week.
func parseBusyBoxSchedule(fields []string, zone string, now time.Time) daemonSchedule {
	if isNickname(fields) {
		return daemonSchedule{Problem: "some versions of busybox crond reject nicknames such as " + fields[0] + ": write five fields", Rejected: true}
	}
	line, ok := parsePlainFields(fields)
	if !ok {
		return daemonSchedule{Problem: "busybox crond does not run this line as crontab(5) describes", Rejected: true}
	}
	for field, items := range line {
		for _, it := range items {
			switch {
			case it.named:
				return daemonSchedule{Problem: "busybox crond interprets names of months and days differently from cron: write numbers"}
			case it.stepped && field >= dateField:
				return daemonSchedule{Problem: fmt.Sprintf("busybox crond counts the step in %s from another day or month than cron: write a list", fields[field])}
			case field == weekdayField && !it.star && it.high == 7:
				return daemonSchedule{Problem: "busybox crond does not support 7 as a day of the week and runs this line every day: write 0 for Sunday"}
			}
		}
	}
	if AffectedByClockChange(fields, zone, now) {
		return daemonSchedule{Problem: "when the clock changes, busybox crond runs this line at other times than Overdue expects: move it out of the hour that the change skips or repeats"}
	}
	return asCron(fields)
}

// onCalendarNicknames are the nicknames that systemd-cron passes to systemd, whose week starts on
// Monday.
var onCalendarNicknames = map[string]string{
	"@hourly": "hourly", "@daily": "daily", "@midnight": "daily", "@weekly": "weekly", "@monthly": "monthly", "@yearly": "yearly", "@annually": "yearly",
}

// parseSystemdCronSchedule returns the OnCalendar= value of systemd-crontab-generator, if its
// versions 1.15 and 2.5 agree: a day must match both day fields, and systemd handles clock changes.
func parseSystemdCronSchedule(fields []string, _ string, _ time.Time) daemonSchedule {
	if isNickname(fields) {
		if word, ok := onCalendarNicknames[fields[0]]; ok {
			return daemonSchedule{OnCalendar: []string{word}}
		}
		return daemonSchedule{Problem: "systemd-cron does not run this line as cron does, because it does not support " + fields[0], Rejected: true}
	}
	line, ok := parsePlainFields(fields)
	if !ok {
		return daemonSchedule{Problem: "systemd-cron skips this line", Rejected: true}
	}
	for _, it := range line[monthField] {
		if it.named {
			return daemonSchedule{Problem: "systemd-cron 1.15 interprets dec as November and nov as October, and ignores oct; 2.5 skips lines with month names: write the number"}
		}
	}
	for _, it := range line[weekdayField] {
		if it.named && it.low == 0 {
			return daemonSchedule{Problem: "systemd-cron 2.5 runs a line with sun every day: write 0 for Sunday"}
		}
		if !it.star && it.high == 7 && it.low < 7 {
			return daemonSchedule{Problem: "systemd-cron 1.15 never runs a line with a range that ends on day 7 of the week: write 0 for Sunday, as in 0,5,6"}
		}
	}
	days := ""
	if fields[weekdayField] != "*" {
		days = formatWeekdays(line[weekdayField]) + " "
	}
	part := func(field int) string { return formatOnCalendarField(field, line[field]) }
	return daemonSchedule{OnCalendar: []string{fmt.Sprintf("%s*-%s-%s %s:%s:00", days, part(monthField), part(dateField), part(hourField), part(minuteField))}}
}

// formatWeekdays lists the days of the week by name.
func formatWeekdays(items []cronItem) string {
	names := strings.Fields("Sun Mon Tue Wed Thu Fri Sat")
	var in [7]bool
	for _, it := range items {
		high := it.high
		if it.star {
			high = 6
		}
		for d := it.low; d <= high; d += it.step {
			in[d%7] = true
		}
	}
	var days []string
	for d, has := range in {
		if has {
			days = append(days, names[d])
		}
	}
	return strings.Join(days, ",")
}

// formatOnCalendarField formats a field in the syntax of systemd.time(7).
func formatOnCalendarField(field int, items []cronItem) string {
	var parts []string
	for _, it := range items {
		text := strconv.Itoa(it.low)
		switch {
		case it.star && it.stepped:
			text += "/" + strconv.Itoa(it.step)
		case it.star:
			return "*"
		case it.stepped:
			text += ".." + strconv.Itoa(it.high) + "/" + strconv.Itoa(it.step)
		case it.high > it.low:
			text += ".." + strconv.Itoa(it.high)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ",")
}

// systemdCronAsCron returns the schedule of systemd-cron for a machine that can have another
// daemon: it accepts only schedules with the same meaning as a cron line.
func systemdCronAsCron(fields []string, got daemonSchedule, zone string, now time.Time) daemonSchedule {
	switch {
	case isNickname(fields) && fields[0] == "@weekly":
		got.Problem = "systemd-cron runs @weekly on Mondays, the others on Sundays"
	case restrictsBothDays(fields):
		got.Problem = "systemd-cron and bcron run this line only on days that match both day fields, the others on days that match either"
	case AffectedByClockChange(fields, zone, now):
		got.Problem = "when the clock changes, the daemons run this line at different times"
	default:
		return asCron(fields)
	}
	return got
}
