package discover

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// debianSchedule reads a schedule as Debian's cron 3.0pl1 does: it drops what follows a number, and
// ignores the whole file if it cannot read a line.
func debianSchedule(fields []string, _ string, _ time.Time) reading {
	if isWord(fields) {
		if slices.Contains(cronWords, fields[0]) {
			return likeCron(fields)
		}
		return reading{problem: "Debian's cron does not know " + fields[0], invalid: true}
	}
	if len(fields) != 5 {
		return reading{problem: "Debian's cron cannot read the line", invalid: true}
	}
	kept := make([]string, 5)
	for i, text := range fields {
		read, ok := debianField(i, text)
		if !ok {
			return reading{problem: "Debian's cron cannot read “" + text + "”", invalid: true}
		}
		kept[i] = read
	}
	r := likeCron(kept)
	if !slices.Equal(kept, fields) {
		r.note = "Debian's cron drops what it does not know and runs “" + strings.Join(kept, " ") + "”"
	}
	return r
}

// debianField returns the part of a field that cron reads (entry.c): a list of ranges. cron skips the
// rest up to the next blank.
func debianField(field int, text string) (kept string, ok bool) {
	at := 0
	for {
		end, ok := debianRange(field, text, at)
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

// debianRange returns the end of the range that begins at the given index, or false if cron rejects it.
func debianRange(field int, text string, at int) (end int, ok bool) {
	b := bounds[field]
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
			step := at < len(text) && text[at] == '/' // after a single value, an error
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
