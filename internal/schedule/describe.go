package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"overdue/internal/schedule/wallclock"
)

// Limits of times and dates that are listed one by one. Minutes are shorter.
const (
	maxListedTimes   = 6
	maxListedMinutes = 10
)

// describeLines joins the descriptions of all lines and names the zone once if it is the same.
//
// A description depends on what a line means, not on how it is written: "0 3 * * *" and "*-*-*
// 03:00" read the same. Every phrase below handles one form of sets and rejects all others. Then
// the line is quoted.
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

// describe describes a line without its zone. A line without a plain description is quoted: no
// description is better than a wrong one. inZone is false if the zone makes no difference.
func (t *lineSchedule) describe() (text string, inZone bool) {
	quoted := "matching " + quoteAll(t.source)
	days, ok := t.days.describe(t.months)
	except, known := t.describeSkippedTimes(days)
	if !ok || !known { // it is not exactly every day
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

// describeSkippedTimes returns the times that systemd skips for an uneven step, such as " except at
// 00:00", or "" if it skips none. It returns false if there is no plain description.
func (t *lineSchedule) describeSkippedTimes(days string) (string, bool) {
	if t.overrun == (stepOverrun{}) {
		return "", true
	}
	if t.overrun.day != 0 || t.overrun.second != 0 || t.overrun.hour > t.hours.First() {
		return "", false
	}
	if t.overrun.minute <= t.minutes.First() || !t.hours.Has(0) || !t.hours.Has(23) {
		return "", true // the steps start after the skipped times
	}
	if days != "every day" {
		return "", false
	}
	var times []string
	for m := range t.minutes.UpTo(t.overrun.minute - 1).All() {
		times = append(times, fmt.Sprintf("00:%02d", m))
	}
	return " except at " + joinWithAnd(times), len(times) <= maxListedTimes
}

// minuteStepPattern matches a step in the minutes of a cron line or a calendar expression.
var minuteStepPattern = regexp.MustCompile(`^[0-9*-]+/[0-9]+ |:[0-9*]+(\.\.[0-9]+)?/[0-9]+`)

// unevenStepNote warns that the interval of a step such as */45 is shorter between two hours.
func (t *lineSchedule) unevenStepNote() string {
	step, ok := constantStep(t.minutes)
	if _, even := circularStep(t.minutes, 60); !ok || even || t.minutes.First() != 0 || 60-t.minutes.Last() >= step || !minuteStepPattern.MatchString(t.source) {
		return ""
	}
	return fmt.Sprintf(" (not every %s: the step starts again each hour)", FormatDuration(time.Duration(step)*time.Minute))
}

// describeOnce describes a single run: "once, at 18:00 on 24 December 2026".
func (p *pattern) describeOnce() (string, bool) {
	first, _ := p.next(0)
	last, _ := p.prev(wallclock.SearchEnd)
	clock, ok := p.describeTimes()
	d, _ := first.DateAndTime()
	return fmt.Sprintf("once, %s on %d %s %d", clock, d.Day, time.Month(d.Month), d.Year), ok && first == last
}

func quoteAll(s string) string { return "“" + s + "”" }

// describeEveryHour describes runs in every hour: "every 15 min", "every hour".
func (p *pattern) describeEveryHour() (string, bool) {
	if p.hours != wallclock.BitsetOf(0, 23) {
		return "", false
	}
	if !p.seconds.OnlyZero() {
		return p.describeSeconds()
	}
	// "Every 15 min" is correct only if the step divides the hour and starts with it:
	// */7 leaves four minutes between :56 and the next hour.
	step, ok := circularStep(p.minutes, 60)
	switch {
	case ok && step == 1:
		return "every minute", true
	case ok && p.minutes.Size() > 1 && p.minutes.First() == 0:
		return "every " + FormatDuration(time.Duration(step)*time.Minute), true
	case p.minutes == wallclock.BitsetOf(0, 0):
		return "every hour", true
	case p.minutes.Size() == 1:
		return FormatDuration(time.Duration(p.minutes.First())*time.Minute) + " past every hour", true
	case ok:
		return "", false // describeTimes handles an even step that starts later
	}
	return p.describeMinutes()
}

// describeMinutes describes several minutes of every hour: "at 0 and 45 min past every hour".
func (p *pattern) describeMinutes() (string, bool) {
	if p.minutes.Size() <= maxListedMinutes {
		var texts []string
		for m := range p.minutes.All() {
			texts = append(texts, strconv.Itoa(m))
		}
		return "at " + joinWithAnd(texts) + noBreakSpace + "min past every hour", true
	}
	step, ok := constantStep(p.minutes)
	every := "minute"
	if step > 1 {
		every = FormatDuration(time.Duration(step) * time.Minute)
	}
	return fmt.Sprintf("every %s from minute %d to minute %d of every hour", every, p.minutes.First(), p.minutes.Last()), ok
}

// describeSeconds describes "every 10 s", all day long.
func (p *pattern) describeSeconds() (string, bool) {
	if p.minutes != wallclock.BitsetOf(0, 59) || len(p.seconds) != 1 {
		return "", false
	}
	t := p.seconds[0]
	switch {
	case t.Start != 0 || t.Step == 0 || wallclock.Minute%t.Step != 0 || t.Stop < wallclock.Minute-t.Step:
		return "", false
	case t.Step == wallclock.Second:
		return "every second", true
	default:
		return "every " + FormatDuration(time.Duration(t.Step)*time.Microsecond), true
	}
}

// circularStep returns the step of a set that divides a circle into equal steps.
func circularStep(s wallclock.Bitset, circle int) (step int, ok bool) {
	n := s.Size()
	if n == 0 || circle%n != 0 {
		return 0, false
	}
	step = circle / n
	for i := range n {
		if !s.Has(s.First() + i*step) {
			return 0, false
		}
	}
	return step, true
}

// describeTimes describes times of day: "at 03:00", "every 10 min from 09:00 to 17:50".
func (p *pattern) describeTimes() (string, bool) {
	seconds, ok := p.secondSuffix()
	if !ok {
		return "", false
	}
	at := func(h, m int) string { return fmt.Sprintf("%02d:%02d%s", h, m, seconds) }
	if n := p.hours.Size() * p.minutes.Size(); n <= maxListedTimes {
		var times []string
		for h := range p.hours.All() {
			for m := range p.minutes.All() {
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
		at(p.hours.First(), p.minutes.First()), at(p.hours.Last(), p.minutes.Last())), true
}

// describeTimeStep returns the time between consecutive times of day if it is constant.
func (p *pattern) describeTimeStep() (string, bool) {
	if p.minutes.Size() == 1 {
		step, ok := constantStep(p.hours)
		return FormatDuration(time.Duration(step) * time.Hour), ok
	}
	// Several minutes continue into the next hour only if the hours are consecutive.
	hours, ok := constantStep(p.hours)
	if !ok && p.hours.Size() > 1 || hours > 1 {
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
func constantStep(s wallclock.Bitset) (step int, ok bool) {
	if s.Size() < 2 {
		return 0, false
	}
	step = s.From(s.First()+1).First() - s.First()
	for n := range s.All() {
		if n != s.Last() && s.From(n+1).First() != n+step {
			return 0, false
		}
	}
	return step, true
}

// secondSuffix returns ":30" if all times have the same whole second, and "" for 0.
func (p *pattern) secondSuffix() (string, bool) {
	if p.seconds.OnlyZero() {
		return "", true
	}
	t := p.seconds[0]
	if len(p.seconds) != 1 || t.Step != 0 || t.Start%wallclock.Second != 0 {
		return "", false
	}
	return fmt.Sprintf(":%02d", t.Start/wallclock.Second), true
}

// joinWithAnd joins items with commas and a final "and".
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
