package schedule

// pattern is which readings of a wall clock match. It knows no zone: what
// happens when the clock is changed is the business of timetable.
//
// The search goes from the largest unit to the smallest and never tries values one by
// one: sets answer "the next member from here on" in one step. What remains is to walk through
// the months until one has a day, 480 of them for a rare 29 February.
//
// Only the days that match can be unknown in advance (29 February, the last
// Friday); everything else is a plain set.
type pattern struct {
	years   years
	months  bitset
	days    dayRule
	hours   bitset
	minutes bitset
	seconds ticks
	overrun stepOverrun
}

// dayRule says which days of a month match.
type dayRule interface {
	// matchingDays returns the days of that month that match.
	matchingDays(year, month int) bitset
	// describe says the rule for the given months, such as "on weekdays".
	// It is false when the rule is too odd for plain words.
	describe(months bitset) (string, bool)
}

// years is the set of years from minYear to maxYear.
type years [(maxYear-minYear)/64 + 1]bitset

// allYears is what "*" means, and the years of all cron lines.
func allYears() (y years) {
	for n := minYear; n <= maxYear; n++ {
		y.add(n)
	}
	return y
}

// add must be given a year within the horizon.
func (y *years) add(n int) {
	y[(n-minYear)/64] = y[(n-minYear)/64].with((n - minYear) % 64)
}

// has must be asked about years within the horizon only.
func (y *years) has(n int) bool { return y[(n-minYear)/64].has((n - minYear) % 64) }

// next returns the first match at or after from.
func (p *pattern) next(from wallTime) (wallTime, bool) {
	for {
		w, ok := p.nextMatch(from)
		if !ok {
			return 0, false
		}
		_, resume, passed := p.skippedByOverrun(w)
		if !passed {
			return w, true
		}
		from = resume
	}
}

// prev returns the last match at or before upTo.
func (p *pattern) prev(upTo wallTime) (wallTime, bool) {
	for {
		w, ok := p.prevMatch(upTo)
		if !ok {
			return 0, false
		}
		begin, _, passed := p.skippedByOverrun(w)
		if !passed {
			return w, true
		}
		upTo = begin - 1
	}
}

// nextMatch is next without regard to overrun.
func (p *pattern) nextMatch(from wallTime) (wallTime, bool) {
	from = max(from, 0)
	if from >= searchEnd {
		return 0, false
	}
	d, at := from.dateAndTime()
	// The day of from itself may match with its time of day already over.
	found, ok := p.dayFrom(d)
	if !ok {
		return 0, false
	}
	if found == d {
		if clock, ok := p.timeFrom(at); ok {
			return from - at + clock, true
		}
		d.day++
		if found, ok = p.dayFrom(d); !ok {
			return 0, false
		}
	}
	clock, ok := p.timeFrom(0)
	return midnightOf(found.year, found.month, found.day) + clock, ok
}

// prevMatch is prev without regard to overrun.
func (p *pattern) prevMatch(upTo wallTime) (wallTime, bool) {
	upTo = min(upTo, searchEnd-1)
	if upTo < 0 {
		return 0, false
	}
	d, at := upTo.dateAndTime()
	found, ok := p.dayUpTo(d)
	if !ok {
		return 0, false
	}
	if found == d {
		if clock, ok := p.timeUpTo(at); ok {
			return upTo - at + clock, true
		}
		d.day--
		if found, ok = p.dayUpTo(d); !ok {
			return 0, false
		}
	}
	clock, ok := p.timeUpTo(day - 1)
	return midnightOf(found.year, found.month, found.day) + clock, ok
}

// dayFrom returns the first matching day at or after d. The day of d may be
// one past the end of its month.
func (p *pattern) dayFrom(d date) (date, bool) {
	for y := d.year; y <= maxYear; y++ {
		if p.years.has(y) {
			for m := range p.months.from(d.month).all() {
				days := p.days.matchingDays(y, m)
				if m == d.month {
					days = days.from(d.day)
				}
				if days != 0 {
					return date{y, m, days.first()}, true
				}
			}
		}
		d.month, d.day = 1, 1
	}
	return date{}, false
}

// dayUpTo returns the last matching day at or before d. The day of d may be 0.
func (p *pattern) dayUpTo(d date) (date, bool) {
	for y := d.year; y >= minYear; y-- {
		if p.years.has(y) {
			for months := p.months.upTo(d.month); months != 0; months = months.upTo(months.last() - 1) {
				m := months.last()
				days := p.days.matchingDays(y, m)
				if m == d.month {
					days = days.upTo(d.day)
				}
				if days != 0 {
					return date{y, m, days.last()}, true
				}
			}
		}
		d.month, d.day = 12, 31
	}
	return date{}, false
}

// timeFrom returns the first matching time of day at or after at.
func (p *pattern) timeFrom(at wallTime) (wallTime, bool) {
	h, m := int(at/hour), int(at%hour/minute)
	// From the smallest unit up: stay in the minute, else in the hour, else go on.
	if p.hours.has(h) {
		if p.minutes.has(m) {
			if s, ok := p.seconds.from(at % minute); ok {
				return at - at%minute + s, true
			}
		}
		if rest := p.minutes.from(m + 1); rest != 0 {
			return p.timeOfDay(h, rest.first()) + p.seconds.first(), true
		}
	}
	rest := p.hours.from(h + 1)
	if rest == 0 {
		return 0, false
	}
	return p.timeOfDay(rest.first(), p.minutes.first()) + p.seconds.first(), true
}

// timeUpTo returns the last matching time of day at or before at.
func (p *pattern) timeUpTo(at wallTime) (wallTime, bool) {
	h, m := int(at/hour), int(at%hour/minute)
	if p.hours.has(h) {
		if p.minutes.has(m) {
			if s, ok := p.seconds.upTo(at % minute); ok {
				return at - at%minute + s, true
			}
		}
		if rest := p.minutes.upTo(m - 1); rest != 0 {
			return p.timeOfDay(h, rest.last()) + p.seconds.last(), true
		}
	}
	rest := p.hours.upTo(h - 1)
	if rest == 0 {
		return 0, false
	}
	return p.timeOfDay(rest.last(), p.minutes.last()) + p.seconds.last(), true
}

// timeOfDay is the time of day without seconds.
func (*pattern) timeOfDay(h, m int) wallTime { return wallTime(h)*hour + wallTime(m)*minute }
