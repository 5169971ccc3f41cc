package discover

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cronieSchedule reads a schedule as crontab(5) of cronie describes. cronie skips lines that it cannot read.
func cronieSchedule(fields []string, _ string, _ time.Time) reading {
	if isWord(fields) {
		if slices.Contains(cronWords, fields[0]) {
			return likeCron(fields)
		}
		return reading{problem: "cronie skips this line, because it does not know " + fields[0], invalid: true}
	}
	if strings.Contains(strings.Join(fields, " "), "~") {
		return reading{problem: "cronie picks a time at random in the range with ~; Overdue has no such schedule: create a heartbeat with the earliest time, and make its grace period longer by the range"}
	}
	if _, ok := plainLine(fields); !ok {
		return reading{problem: "cronie skips this line, or never runs it", invalid: true}
	}
	return likeCron(fields)
}

// bcronSchedule reads a schedule as bcron 0.11 does: a day must always match both day fields.
func bcronSchedule(fields []string, zone string, now time.Time) reading {
	if isWord(fields) {
		return reading{problem: "bcron skips this line, because it does not know words such as " + fields[0], invalid: true}
	}
	if _, ok := plainLine(fields); !ok {
		return reading{problem: "bcron skips this line, or never runs it", invalid: true}
	}
	if bothDays(fields) {
		return reading{problem: fmt.Sprintf("bcron runs this line only on days that match both day fields (%s and %s); in a cron schedule of Overdue a day that matches either counts", fields[dateField], fields[weekdayField])}
	}
	if touched(fields, zone, now) {
		return reading{problem: "when the clock changes, bcron runs this line at other times than Overdue expects: move it out of the hour that the change skips or repeats"}
	}
	return likeCron(fields)
}

// busyboxSchedule accepts what busybox 1.35 certainly runs as Overdue expects. busybox counts days and months
// from 0 in a step after a star, its names of months are off by one, and 7 is not a day of the week.
func busyboxSchedule(fields []string, zone string, now time.Time) reading {
	if isWord(fields) {
		return reading{problem: "busybox crond may not know words such as " + fields[0] + ": write five fields", invalid: true}
	}
	line, ok := plainLine(fields)
	if !ok {
		return reading{problem: "busybox crond does not read this line as it is meant", invalid: true}
	}
	for field, items := range line {
		for _, it := range items {
			switch {
			case it.named:
				return reading{problem: "busybox crond reads names of months and days otherwise than cron: write numbers"}
			case it.stepped && field >= dateField:
				return reading{problem: fmt.Sprintf("busybox crond counts the step in %s from another day or month than cron: write a list", fields[field])}
			case field == weekdayField && !it.star && it.high == 7:
				return reading{problem: "busybox crond does not know 7 as a day of the week, and runs this line every day: write 0 for Sunday"}
			}
		}
	}
	if touched(fields, zone, now) {
		return reading{problem: "when the clock changes, busybox crond runs this line at other times than Overdue expects: move it out of the hour that the change skips or repeats"}
	}
	return likeCron(fields)
}

// calendarWords are the words that systemd-cron passes to systemd, whose week begins on Monday.
var calendarWords = map[string]string{
	"@hourly": "hourly", "@daily": "daily", "@midnight": "daily", "@weekly": "weekly", "@monthly": "monthly", "@yearly": "yearly", "@annually": "yearly",
}

// systemdCronSchedule is the OnCalendar= that systemd-crontab-generator writes, in the same meaning, where
// its versions 1.15 and 2.5 agree: a day must match both day fields, and systemd decides what a change of the clock does.
func systemdCronSchedule(fields []string, _ string, _ time.Time) reading {
	if isWord(fields) {
		if word, ok := calendarWords[fields[0]]; ok {
			return reading{calendar: []string{word}}
		}
		return reading{problem: "systemd-cron does not run this line as cron would, because it does not know " + fields[0], invalid: true}
	}
	line, ok := plainLine(fields)
	if !ok {
		return reading{problem: "systemd-cron skips this line", invalid: true}
	}
	for _, it := range line[monthField] {
		if it.named {
			return reading{problem: "systemd-cron 1.15 takes dec for November, nov for October, and drops oct; 2.5 skips lines with any name of a month: write the number"}
		}
	}
	for _, it := range line[weekdayField] {
		if it.named && it.low == 0 {
			return reading{problem: "systemd-cron 2.5 runs a line with sun every day: write 0 for Sunday"}
		}
		if !it.star && it.high == 7 && it.low < 7 {
			return reading{problem: "systemd-cron 1.15 never runs a line with a range that ends on day 7 of the week: write 0 for Sunday, as in 0,5,6"}
		}
	}
	days := ""
	if fields[weekdayField] != "*" {
		days = calendarDays(line[weekdayField]) + " "
	}
	part := func(field int) string { return calendarField(field, line[field]) }
	return reading{calendar: []string{fmt.Sprintf("%s*-%s-%s %s:%s:00", days, part(monthField), part(dateField), part(hourField), part(minuteField))}}
}

// calendarDays names the days of the week one by one.
func calendarDays(items []item) string {
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

// calendarField writes a field in the syntax of systemd.time(7).
func calendarField(field int, items []item) string {
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

// systemdCronLikeCron is the reading of systemd-cron for a machine that may have another
// daemon: only what means the same as a cron line is taken.
func systemdCronLikeCron(fields []string, got reading, zone string, now time.Time) reading {
	switch {
	case isWord(fields) && fields[0] == "@weekly":
		got.problem = "systemd-cron runs @weekly on Mondays, the others on Sundays"
	case bothDays(fields):
		got.problem = "systemd-cron and bcron run this line only on days that match both day fields, the others on days that match either"
	case touched(fields, zone, now):
		got.problem = "when the clock changes, the daemons run this line at different times"
	default:
		return likeCron(fields)
	}
	return got
}
