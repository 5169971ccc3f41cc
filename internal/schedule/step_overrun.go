package schedule

import "overdue/internal/schedule/wallclock"

// stepOverrun is an observable behaviour of systemd 252: a step without an end continues past the
// end of its unit, and systemd resumes where it lands.
//
// "*:0/7" means minutes 0, 7 … 56. On the last hour of a day, 56 is followed by 63, which is minute
// 3 of the next day, and 00:00 of that day is skipped. Within the day the rest is dropped, because
// the hour changes and its minutes start again; systemd starts only the unit directly below the
// largest changed one again. So minutes overrun into the next day, hours into the next month, days
// into the next year.
//
// Each field is the number of skipped values of the next unit; 0 if none is skipped.
type stepOverrun struct {
	day    int
	hour   int
	minute int
	second wallclock.WallTime
}

// overrunPast returns how far the first step after the last value goes past max. A list that ends
// at max has no overrun, because then the next larger unit is incremented instead.
func (c componentList) overrunPast(last, high int) int {
	if last == high {
		return 0
	}
	nearest := 0
	for _, part := range c {
		if part.stop != noRangeEnd || part.repeat == 0 {
			continue
		}
		next := part.start + (last-part.start)/part.repeat*part.repeat + part.repeat
		if nearest == 0 || next < nearest {
			nearest = next
		}
	}
	return max(0, nearest-high-1)
}

// asDecemberDays converts days from the end of the month to days of December.
func (c componentList) asDecemberDays() componentList {
	var days componentList
	for _, part := range c {
		days = append(days, component{32 - part.start, part.stop, part.repeat})
	}
	return days
}

// skippedByOverrun returns the period around the match w that systemd skips.
func (p *pattern) skippedByOverrun(w wallclock.WallTime) (from, to wallclock.WallTime, ok bool) {
	if p.overrun == (stepOverrun{}) {
		return 0, 0, false
	}
	d, clock := w.DateAndTime()
	midnight := w - clock
	switch {
	case d.Month == 1 && d.Day < p.overrun.day && p.months.Has(12) && d.Year > wallclock.MinYear && p.years.has(d.Year-1):
		newYear := wallclock.MidnightOf(d.Year, 1, 1)
		return newYear, newYear + wallclock.WallTime(p.overrun.day-1)*wallclock.Day, true
	case d.Day == 1 && clock < wallclock.WallTime(p.overrun.hour)*wallclock.Hour && p.matchesDay(midnight-1):
		return midnight, midnight + wallclock.WallTime(p.overrun.hour)*wallclock.Hour, true
	case clock < wallclock.WallTime(p.overrun.minute)*wallclock.Minute && p.matchesHour(midnight-wallclock.Hour):
		return midnight, midnight + wallclock.WallTime(p.overrun.minute)*wallclock.Minute, true
	}
	start := w - w%wallclock.Minute
	over := p.overrun.second
	if start%wallclock.Hour != 0 {
		over %= wallclock.Second // the seconds start again, their fraction does not
	}
	if w-start < over && p.matchesHour(start-wallclock.Minute) && p.minutes.Has(int((start-wallclock.Minute)%wallclock.Hour/wallclock.Minute)) {
		return start, start + over, true
	}
	return 0, 0, false
}

// matchesHour reports whether the hour of a wall time matches.
func (p *pattern) matchesHour(w wallclock.WallTime) bool {
	return w >= 0 && p.hours.Has(int(w%wallclock.Day/wallclock.Hour)) && p.matchesDay(w)
}

func (p *pattern) matchesDay(w wallclock.WallTime) bool {
	if w < 0 {
		return false
	}
	d, _ := w.DateAndTime()
	return p.years.has(d.Year) && p.months.Has(d.Month) && p.days.matchingDays(d.Year, d.Month).Has(d.Day)
}
