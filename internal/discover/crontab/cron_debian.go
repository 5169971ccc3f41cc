package crontab

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseDebianSchedule parses a schedule as Debian's cron 3.0pl1 does: cron ignores what follows a
// number, and ignores the whole file if it cannot parse a line.
func ParseDebianSchedule(fields []string, _ string, _ time.Time) daemonSchedule {
	if isNickname(fields) {
		if slices.Contains(cronNicknames, fields[0]) {
			return asCron(fields)
		}
		return daemonSchedule{Problem: "Debian's cron does not support " + fields[0], Rejected: true}
	}
	if len(fields) != 5 {
		return daemonSchedule{Problem: "Debian's cron cannot parse the line", Rejected: true}
	}
	kept := make([]string, 5)
	for i, text := range fields {
		read, ok := debianFieldPrefix(i, text)
		if !ok {
			return daemonSchedule{Problem: "Debian's cron cannot parse “" + text + "”", Rejected: true}
		}
		kept[i] = read
	}
	r := asCron(kept)
	if !slices.Equal(kept, fields) {
		r.Note = "Debian's cron ignores what it does not support and runs “" + strings.Join(kept, " ") + "”"
	}
	return r
}

// debianFieldPrefix returns the part of a field that cron reads (entry.c): a list of ranges. cron
// skips the rest up to the next blank.
func debianFieldPrefix(field int, text string) (kept string, ok bool) {
	at := 0
	for {
		end, ok := debianRangeEnd(field, text, at)
		if !ok {
			return "", false
		}
		kept += text[at:end]
		if end == len(text) || text[end] != ',' {
			return kept, true
		}
		kept += ","
		at = end + 1
	}
}

// debianRangeEnd returns the end of the range that starts at the given index, or false if cron
// rejects it.
func debianRangeEnd(field int, text string, at int) (end int, ok bool) {
	b := fieldBounds[field]
	next := func() (int, bool) {
		from := at
		for at < len(text) && isAlnum(text[at]) {
			at++
		}
		n, err := strconv.Atoi(text[from:at])
		if err != nil {
			n = slices.Index(b.names, strings.ToLower(text[from:at])) + b.low
			return n, n >= b.low && at > from
		}
		return n, true
	}
	if at < len(text) && text[at] == '*' {
		at++
	} else {
		low, ok := next()
		high := low
		if ok && at < len(text) && text[at] == '-' {
			at++
			high, ok = next()
		} else if ok {
			step := at < len(text) && text[at] == '/' // a step after a single value is an error
			return at, low >= b.low && low <= b.high && !step
		}
		if !ok || low < b.low || low > b.high || high < b.low || high > b.high {
			return 0, false
		}
	}
	if at < len(text) && text[at] == '/' {
		at++
		from := at
		for at < len(text) && isAlnum(text[at]) {
			at++
		}
		if step, err := strconv.Atoi(text[from:at]); err != nil || step <= 0 {
			return 0, false
		}
	}
	return at, true
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
