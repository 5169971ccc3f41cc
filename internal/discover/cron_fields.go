package discover

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule"
)

// bounds of the five fields, in their order.
var bounds = [5]struct {
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

// item is one part of a field, between commas.
type item struct {
	star      bool
	low, high int // equal for a single value
	step      int // 1 if there is none
	stepped   bool
	named     bool // written with names
}

var plainItem = regexp.MustCompile(`^(?:(\*)|([0-9]+|[A-Za-z]+)(?:-([0-9]+|[A-Za-z]+))?)(?:/([0-9]+))?$`)

// plainField reads a field in the language that all daemons share: stars, values, ascending
// ranges, steps after a star or a range, lists. It returns false for anything else.
func plainField(field int, text string) ([]item, bool) {
	var all []item
	for part := range strings.SplitSeq(text, ",") {
		found := plainItem.FindStringSubmatch(part)
		if found == nil || found[4] != "" && found[1] == "" && found[3] == "" {
			return nil, false
		}
		it := item{star: found[1] != "", low: bounds[field].low, high: bounds[field].high, step: 1, stepped: found[4] != ""}
		ok := true
		if !it.star {
			it.low, it.named, ok = fieldValue(field, found[2])
			it.high = it.low
			if found[3] != "" && ok {
				it.high, _, ok = fieldValue(field, found[3])
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

// fieldValue reads a number within the bounds of a field, or a three-letter name.
func fieldValue(field int, text string) (value int, named, ok bool) {
	b := bounds[field]
	if at := slices.Index(b.names, strings.ToLower(text)); at >= 0 {
		return b.low + at, true, true
	}
	n, err := strconv.Atoi(text)
	return n, false, err == nil && n >= b.low && n <= b.high
}

// plainLine reads five fields. It returns false for a word, and for fields that only some daemons
// read.
func plainLine(fields []string) ([5][]item, bool) {
	var all [5][]item
	if len(fields) != 5 {
		return all, false
	}
	for i, text := range fields {
		items, ok := plainField(i, text)
		if !ok {
			return all, false
		}
		all[i] = items
	}
	return all, true
}

// cronWords are the words of crontab(5), which must be lower case.
var cronWords = strings.Fields("@hourly @daily @midnight @weekly @monthly @yearly @annually")

// isWord reports whether a schedule is a word, such as @daily.
func isWord(fields []string) bool { return len(fields) == 1 && strings.HasPrefix(fields[0], "@") }

// bothDays reports whether both day fields are restricted and neither begins with a star:
// the case in which cron takes the days of either.
func bothDays(fields []string) bool {
	return len(fields) == 5 && !strings.HasPrefix(fields[dateField], "*") && !strings.HasPrefix(fields[weekdayField], "*")
}

// likeCron is the reading of a line that Overdue reads alike.
func likeCron(fields []string) reading { return reading{cron: []string{strings.Join(fields, " ")}} }

// touched reports whether a change of the clock moves a run of a cron line. Daemons differ in
// what they run then.
func touched(fields []string, zone string, now time.Time) bool {
	when, err := schedule.Cron([]string{strings.Join(fields, " ")}, zone)
	if err != nil {
		return false // it has no slots; why is said elsewhere
	}
	return slices.ContainsFunc(schedule.Around(when, now, 0).Changes, func(c schedule.ClockChange) bool { return c.Effect != schedule.Shifted })
}

// foreign reports whether only some daemons read the schedule of a crontab line.
func (e entry) foreign() bool {
	fields := strings.Fields(e.schedule)
	_, plain := plainLine(fields)
	return len(fields) > 0 && !plain && !isWord(fields)
}
