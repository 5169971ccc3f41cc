package crontab

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// fieldBounds are the bounds of the five fields, in order.
var fieldBounds = [5]struct {
	low, high int
	names     []string // of low, low+1 …
}{
	{0, 59, nil},
	{0, 23, nil},
	{1, 31, nil},
	{1, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
	{0, 7, strings.Fields("sun mon tue wed thu fri sat")},
}

const (
	minuteField = iota
	hourField
	dateField
	monthField
	weekdayField
)

// cronItem is one comma-separated part of a field.
type cronItem struct {
	star      bool
	low, high int // equal for a single value
	step      int // 1 if none exists
	stepped   bool
	named     bool // written with names
}

var plainItemPattern = regexp.MustCompile(`^(?:(\*)|([0-9]+|[A-Za-z]+)(?:-([0-9]+|[A-Za-z]+))?)(?:/([0-9]+))?$`)

// parsePlainField parses a field in the syntax that all daemons share: stars, values, ascending
// ranges, steps after a star or a range, lists. It returns false for anything else.
func parsePlainField(field int, text string) ([]cronItem, bool) {
	var all []cronItem
	for part := range strings.SplitSeq(text, ",") {
		found := plainItemPattern.FindStringSubmatch(part)
		if found == nil || found[4] != "" && found[1] == "" && found[3] == "" {
			return nil, false
		}
		it := cronItem{star: found[1] != "", low: fieldBounds[field].low, high: fieldBounds[field].high, step: 1, stepped: found[4] != ""}
		ok := true
		if !it.star {
			it.low, it.named, ok = parseFieldValue(field, found[2])
			it.high = it.low
			if found[3] != "" && ok {
				it.high, _, ok = parseFieldValue(field, found[3])
			}
		}
		if it.stepped {
			step, err := strconv.Atoi(found[4])
			it.step, ok = step, ok && err == nil && step > 0
		}
		if !ok || it.low > it.high {
			return nil, false
		}
		all = append(all, it)
	}
	return all, true
}

// parseFieldValue parses a number within the bounds of a field, or a three-letter name.
func parseFieldValue(field int, text string) (value int, named, ok bool) {
	b := fieldBounds[field]
	if at := slices.Index(b.names, strings.ToLower(text)); at >= 0 {
		return b.low + at, true, true
	}
	n, err := strconv.Atoi(text)
	return n, false, err == nil && n >= b.low && n <= b.high
}

// parsePlainFields parses five fields. It returns false for a nickname, and for fields that only
// some daemons support.
func parsePlainFields(fields []string) ([5][]cronItem, bool) {
	var all [5][]cronItem
	if len(fields) != 5 {
		return all, false
	}
	for i, text := range fields {
		items, ok := parsePlainField(i, text)
		if !ok {
			return all, false
		}
		all[i] = items
	}
	return all, true
}

// cronNicknames are the nicknames of crontab(5), which must be lower case.
var cronNicknames = strings.Fields("@hourly @daily @midnight @weekly @monthly @yearly @annually")

// isNickname reports whether a schedule is a nickname, such as @daily.
func isNickname(fields []string) bool { return len(fields) == 1 && strings.HasPrefix(fields[0], "@") }

// restrictsBothDays reports whether both day fields are restricted and neither starts with a star:
// then cron runs on days that match either field.
func restrictsBothDays(fields []string) bool {
	return len(fields) == 5 && !strings.HasPrefix(fields[dateField], "*") && !strings.HasPrefix(fields[weekdayField], "*")
}

// asCron returns the schedule of a line that has the same meaning in Overdue.
func asCron(fields []string) daemonSchedule {
	return daemonSchedule{Cron: []string{strings.Join(fields, " ")}}
}

// AffectedByClockChange reports whether a clock change moves a run of a cron line. Daemons differ
// in which runs they then start.
func AffectedByClockChange(fields []string, zone string, now time.Time) bool {
	when, err := schedule.Cron([]string{strings.Join(fields, " ")}, zone)
	if err != nil {
		return false // it has no slots; resolveSchedule reports why
	}
	return slices.ContainsFunc(schedule.NewPreview(when, now, 0).ClockChanges, func(c schedule.ClockChange) bool { return c.Effect != schedule.EffectShifted })
}

// IsDaemonSpecific reports whether only some daemons support the schedule of a crontab line.
func (e Entry) IsDaemonSpecific() bool {
	fields := strings.Fields(e.Schedule)
	_, plain := parsePlainFields(fields)
	return len(fields) > 0 && !plain && !isNickname(fields)
}
