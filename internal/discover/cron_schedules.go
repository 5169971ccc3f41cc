package discover

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseCronieSchedule reads a schedule as crontab(5) of cronie describes. cronie skips lines that it cannot read.
func parseCronieSchedule(fields []string, _ string, _ time.Time) daemonSchedule {
	if isNickname(fields) {
		if slices.Contains(cronNicknames, fields[0]) {
			return asCron(fields)
		}
		return daemonSchedule{problem: "cronie skips this line, because it does not know " + fields[0], rejected: true}
	}
	if strings.Contains(strings.Join(fields, " "), "~") {
		return daemonSchedule{problem: "cronie picks a time at random in the range with ~; Overdue has no such schedule: create a heartbeat with the earliest time, and make its grace period longer by the range"}
	}
	if _, ok := parsePlainFields(fields); !ok {
		return daemonSchedule{problem: "cronie skips this line, or never runs it", rejected: true}
	}
	return asCron(fields)
}

// parseBcronSchedule reads a schedule as bcron 0.11 does: a day must always match both day fields.
func parseBcronSchedule(fields []string, zone string, now time.Time) daemonSchedule {
	if isNickname(fields) {
		return daemonSchedule{problem: "bcron skips this line, because it does not know words such as " + fields[0], rejected: true}
	}
	if _, ok := parsePlainFields(fields); !ok {
		return daemonSchedule{problem: "bcron skips this line, or never runs it", rejected: true}
	}
	if restrictsBothDays(fields) {
		return daemonSchedule{problem: fmt.Sprintf("bcron runs this line only on days that match both day fields (%s and %s); in a cron schedule of Overdue a day that matches either counts", fields[dateField], fields[weekdayField])}
	}
	if affectedByClockChange(fields, zone, now) {
		return daemonSchedule{problem: "when the clock changes, bcron runs this line at other times than Overdue expects: move it out of the hour that the change skips or repeats"}
	}
	return asCron(fields)
}

// parseBusyBoxSchedule accepts what busybox 1.35 certainly runs as Overdue expects. busybox counts days and months
// from 0 in a step after a star, its names of months are off by one, and 7 is not a day of the week.
func parseBusyBoxSchedule(fields []string, zone string, now time.Time) daemonSchedule {
	if isNickname(fields) {
		return daemonSchedule{problem: "busybox crond may not know words such as " + fields[0] + ": write five fields", rejected: true}
	}
	line, ok := parsePlainFields(fields)
	if !ok {
		return daemonSchedule{problem: "busybox crond does not read this line as it is meant", rejected: true}
	}
	for field, items := range line {
		for _, it := range items {
			switch {
			case it.named:
				return daemonSchedule{problem: "busybox crond reads names of months and days otherwise than cron: write numbers"}
			case it.stepped && field >= dateField:
				return daemonSchedule{problem: fmt.Sprintf("busybox crond counts the step in %s from another day or month than cron: write a list", fields[field])}
			case field == weekdayField && !it.star && it.high == 7:
				return daemonSchedule{problem: "busybox crond does not know 7 as a day of the week, and runs this line every day: write 0 for Sunday"}
			}
		}
	}
	if affectedByClockChange(fields, zone, now) {
		return daemonSchedule{problem: "when the clock changes, busybox crond runs this line at other times than Overdue expects: move it out of the hour that the change skips or repeats"}
	}
	return asCron(fields)
}

// onCalendarNicknames are the words that systemd-cron passes to systemd, whose week begins on Monday.
var onCalendarNicknames = map[string]string{
	"@hourly": "hourly", "@daily": "daily", "@midnight": "daily", "@weekly": "weekly", "@monthly": "monthly", "@yearly": "yearly", "@annually": "yearly",
}

// parseSystemdCronSchedule is the OnCalendar= that systemd-crontab-generator writes, in the same meaning, where
// its versions 1.15 and 2.5 agree: a day must match both day fields, and systemd decides what a change of the clock does.
func parseSystemdCronSchedule(fields []string, _ string, _ time.Time) daemonSchedule {
	if isNickname(fields) {
		if word, ok := onCalendarNicknames[fields[0]]; ok {
			return daemonSchedule{onCalendar: []string{word}}
		}
		return daemonSchedule{problem: "systemd-cron does not run this line as cron would, because it does not know " + fields[0], rejected: true}
	}
	line, ok := parsePlainFields(fields)
	if !ok {
		return daemonSchedule{problem: "systemd-cron skips this line", rejected: true}
	}
	for _, it := range line[monthField] {
		if it.named {
			return daemonSchedule{problem: "systemd-cron 1.15 takes dec for November, nov for October, and drops oct; 2.5 skips lines with any name of a month: write the number"}
		}
	}
	for _, it := range line[weekdayField] {
		if it.named && it.low == 0 {
			return daemonSchedule{problem: "systemd-cron 2.5 runs a line with sun every day: write 0 for Sunday"}
		}
		if !it.star && it.high == 7 && it.low < 7 {
			return daemonSchedule{problem: "systemd-cron 1.15 never runs a line with a range that ends on day 7 of the week: write 0 for Sunday, as in 0,5,6"}
		}
	}
	days := ""
	if fields[weekdayField] != "*" {
		days = formatWeekdays(line[weekdayField]) + " "
	}
	part := func(field int) string { return formatOnCalendarField(field, line[field]) }
	return daemonSchedule{onCalendar: []string{fmt.Sprintf("%s*-%s-%s %s:%s:00", days, part(monthField), part(dateField), part(hourField), part(minuteField))}}
}

// formatWeekdays names the days of the week one by one.
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

// formatOnCalendarField writes a field in the syntax of systemd.time(7).
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

// systemdCronAsCron is the reading of systemd-cron for a machine that may have another
// daemon: only what means the same as a cron line is taken.
func systemdCronAsCron(fields []string, got daemonSchedule, zone string, now time.Time) daemonSchedule {
	switch {
	case isNickname(fields) && fields[0] == "@weekly":
		got.problem = "systemd-cron runs @weekly on Mondays, the others on Sundays"
	case restrictsBothDays(fields):
		got.problem = "systemd-cron and bcron run this line only on days that match both day fields, the others on days that match either"
	case affectedByClockChange(fields, zone, now):
		got.problem = "when the clock changes, the daemons run this line at different times"
	default:
		return asCron(fields)
	}
	return got
}
