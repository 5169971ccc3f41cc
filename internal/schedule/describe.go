package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxListedTimes is how many times or dates are listed one by one. Minutes are shorter.
const (
	maxListedTimes   = 6
	maxListedMinutes = 10
)

// Words are made from what a line means, not from how it is written: "0 3 * * *" and
// "daily" moved to three o'clock read the same. Every phrase here is for one shape of sets
// and refuses all others, and then the line is quoted.

// describeLines joins the words of all lines and names the zone once if it is the same.
func describeLines(parts []*lineSchedule, zone string) string {
	texts := make([]string, len(parts))
	same, needed := true, false
	for i, part := range parts {
		text, inZone := part.describe()
		texts[i] = text
		same = same && part.zone == parts[0].zone
		needed = needed || inZone
	}
	if same {
		all := strings.Join(texts, "; ")
		if needed {
			all += ", " + parts[0].zone
		}
		return all
	}
	for i, part := range parts {
		texts[i] += ", " + part.zone
	}
	return strings.Join(texts, "; ")
}

// describe says a line without its zone. What has no plain words is quoted: better
// no words than wrong ones. The zone is not needed where it makes no difference.
func (t *lineSchedule) describe() (text string, inZone bool) {
	quoted := "as " + quoteAll(t.source) + " says"
	days, ok := t.days.describe(t.months)
	except, known := t.describeSkippedTimes(days)
	if !ok || !known { // it would not be quite every day
		return quoted, true
	}
	if t.years != allYears() {
		once, ok := t.describeOnce()
		if !ok {
			return quoted, true
		}
		return once, true
	}
	if often, ok := t.describeEveryHour(); ok {
		often += except + t.unevenStepNote()
		rest := strings.TrimPrefix(strings.TrimPrefix(days, "every day"), " ")
		if rest == "" {
			return often, except != ""
		}
		return often + " " + rest, true
	}
	clock, ok := t.describeTimes()
	if !ok || except != "" {
		return quoted, true
	}
	return clock + " " + days, true
}

// describeSkippedTimes returns which times systemd skips for an uneven step, such as
// " except at 00:00", or nothing if it skips none. It returns false if there are no plain
// words.
func (t *lineSchedule) describeSkippedTimes(days string) (string, bool) {
	if t.overrun == (stepOverrun{}) {
		return "", true
	}
	if t.overrun.day != 0 || t.overrun.second != 0 || t.overrun.hour > t.hours.first() {
		return "", false
	}
	if t.overrun.minute <= t.minutes.first() || !t.hours.has(0) || !t.hours.has(23) {
		return "", true // the steps begin after the skipped times
	}
	if days != "every day" {
		return "", false
	}
	var times []string
	for m := range t.minutes.upTo(t.overrun.minute - 1).all() {
		times = append(times, fmt.Sprintf("00:%02d", m))
	}
	return " except at " + joinWithAnd(times), len(times) <= maxListedTimes
}

// minuteStepPattern is a step in the minutes of a cron line or a calendar expression.
var minuteStepPattern = regexp.MustCompile(`^[0-9*-]+/[0-9]+ |:[0-9*]+(\.\.[0-9]+)?/[0-9]+`)

// unevenStepNote warns that a step such as */45 is shorter from one hour to the next.
func (t *lineSchedule) unevenStepNote() string {
	step, ok := constantStep(t.minutes)
	if _, even := circularStep(t.minutes, 60); !ok || even || t.minutes.first() != 0 || 60-t.minutes.last() >= step || !minuteStepPattern.MatchString(t.source) {
		return ""
	}
	return fmt.Sprintf(" (not every %s: the step starts again each hour)", FormatDuration(time.Duration(step)*time.Minute))
}

// describeOnce is for what happens once: "once, at 18:00 on 24 December 2026".
func (p *pattern) describeOnce() (string, bool) {
	first, _ := p.next(0)
	last, _ := p.prev(searchEnd)
	clock, ok := p.describeTimes()
	d, _ := first.dateAndTime()
	return fmt.Sprintf("once, %s on %d %s %d", clock, d.day, time.Month(d.month), d.year), ok && first == last
}

func quoteAll(s string) string { return "“" + s + "”" }

// describeEveryHour is for what happens in every hour: "every 15 min", "every hour".
func (p *pattern) describeEveryHour() (string, bool) {
	if p.hours != bitsetOf(0, 23) {
		return "", false
	}
	if !p.seconds.onlyZero() {
		return p.describeSeconds()
	}
	// "Every 15 min" is true only if the step divides the hour and begins with it:
	// */7 leaves four minutes between :56 and the next hour.
	step, ok := circularStep(p.minutes, 60)
	switch {
	case ok && step == 1:
		return "every minute", true
	case ok && p.minutes.size() > 1 && p.minutes.first() == 0:
		return "every " + FormatDuration(time.Duration(step)*time.Minute), true
	case p.minutes == bitsetOf(0, 0):
		return "every hour", true
	case p.minutes.size() == 1:
		return FormatDuration(time.Duration(p.minutes.first())*time.Minute) + " past every hour", true
	case ok:
		return "", false // an even step that begins later has words with a clock
	}
	return p.describeMinutes()
}

// describeMinutes is for several minutes of every hour: "at 0 and 45 min past every hour".
func (p *pattern) describeMinutes() (string, bool) {
	if p.minutes.size() <= maxListedMinutes {
		var texts []string
		for m := range p.minutes.all() {
			texts = append(texts, strconv.Itoa(m))
		}
		return "at " + joinWithAnd(texts) + noBreakSpace + "min past every hour", true
	}
	step, ok := constantStep(p.minutes)
	every := "minute"
	if step > 1 {
		every = FormatDuration(time.Duration(step) * time.Minute)
	}
	return fmt.Sprintf("every %s from minute %d to minute %d of every hour", every, p.minutes.first(), p.minutes.last()), ok
}

// describeSeconds is for "every 10 s", all day long.
func (p *pattern) describeSeconds() (string, bool) {
	if p.minutes != bitsetOf(0, 59) || len(p.seconds) != 1 {
		return "", false
	}
	t := p.seconds[0]
	switch {
	case t.start != 0 || t.step == 0 || minute%t.step != 0 || t.stop < minute-t.step:
		return "", false
	case t.step == second:
		return "every second", true
	default:
		return "every " + FormatDuration(time.Duration(t.step)*time.Microsecond), true
	}
}

// circularStep returns the step of a set that goes around a circle in equal steps.
func circularStep(s bitset, circle int) (step int, ok bool) {
	n := s.size()
	if n == 0 || circle%n != 0 {
		return 0, false
	}
	step = circle / n
	for i := range n {
		if !s.has(s.first() + i*step) {
			return 0, false
		}
	}
	return step, true
}

// describeTimes is for times of day: "at 03:00", "every 10 min from 09:00 to 17:50".
func (p *pattern) describeTimes() (string, bool) {
	seconds, ok := p.secondSuffix()
	if !ok {
		return "", false
	}
	at := func(h, m int) string { return fmt.Sprintf("%02d:%02d%s", h, m, seconds) }
	if n := p.hours.size() * p.minutes.size(); n <= maxListedTimes {
		var times []string
		for h := range p.hours.all() {
			for m := range p.minutes.all() {
				times = append(times, at(h, m))
			}
		}
		return "at " + joinWithAnd(times), true
	}
	step, ok := p.describeTimeStep()
	if !ok {
		return "", false
	}
	return fmt.Sprintf("every %s from %s to %s", step,
		at(p.hours.first(), p.minutes.first()), at(p.hours.last(), p.minutes.last())), true
}

// describeTimeStep returns the distance between one time of day and the next if it is
// always the same.
func (p *pattern) describeTimeStep() (string, bool) {
	if p.minutes.size() == 1 {
		step, ok := constantStep(p.hours)
		return FormatDuration(time.Duration(step) * time.Hour), ok
	}
	// Many minutes in an hour flow into the next hour only if there is no hour between.
	hours, ok := constantStep(p.hours)
	if !ok && p.hours.size() > 1 || hours > 1 {
		return "", false
	}
	if step, ok := circularStep(p.minutes, 60); ok {
		if step == 1 {
			return "minute", true
		}
		return FormatDuration(time.Duration(step) * time.Minute), true
	}
	return "", false
}

// constantStep returns the step of a set of at least two numbers in equal steps.
func constantStep(s bitset) (step int, ok bool) {
	if s.size() < 2 {
		return 0, false
	}
	step = s.from(s.first()+1).first() - s.first()
	for n := range s.all() {
		if n != s.last() && s.from(n+1).first() != n+step {
			return 0, false
		}
	}
	return step, true
}

// secondSuffix returns ":30" when all times have the same full second, "" for 0.
func (p *pattern) secondSuffix() (string, bool) {
	if p.seconds.onlyZero() {
		return "", true
	}
	t := p.seconds[0]
	if len(p.seconds) != 1 || t.step != 0 || t.start%second != 0 {
		return "", false
	}
	return fmt.Sprintf(":%02d", t.start/second), true
}

// joinWithAnd joins with commas and a final "and".
func joinWithAnd(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " and " + items[last]
}

// ordinal returns "1st", "2nd" …
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
