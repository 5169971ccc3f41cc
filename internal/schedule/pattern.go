package schedule

import "overdue/internal/schedule/wallclock"

// pattern is the set of matching wall times. It has no zone: lineSchedule handles clock changes.
//
// The search goes from the largest unit to the smallest and never tries values one by one: a set
// returns its next member in one step. It only walks through the months until one has a matching
// day, at most 480 for a rare 29 February.
//
// Only the matching days depend on the month (29 February, the last Friday); everything else is a
// plain set.
type pattern struct {
	years   years
	months  wallclock.Bitset
	days    dayRule
	hours   wallclock.Bitset
	minutes wallclock.Bitset
	seconds wallclock.Ticks
	overrun stepOverrun
}

// dayRule describes which days of a month match.
type dayRule interface {
	// matchingDays returns the matching days of a month.
	matchingDays(year, month int) wallclock.Bitset
	// describe describes the rule for the given months, such as "on weekdays". It returns false if
	// the rule has no plain description.
	describe(months wallclock.Bitset) (string, bool)
}

// years is a set of years from wallclock.MinYear to wallclock.MaxYear.
type years [(wallclock.MaxYear-wallclock.MinYear)/64 + 1]wallclock.Bitset

// allYears returns the years of "*", and of every cron line.
func allYears() (y years) {
	for n := wallclock.MinYear; n <= wallclock.MaxYear; n++ {
		y.add(n)
	}
	return y
}

// add adds a year from wallclock.MinYear to wallclock.MaxYear.
func (y *years) add(n int) {
	y[(n-wallclock.MinYear)/64] = y[(n-wallclock.MinYear)/64].With((n - wallclock.MinYear) % 64)
}

// has reports whether a year from wallclock.MinYear to wallclock.MaxYear is in the set.
func (y *years) has(n int) bool { return y[(n-wallclock.MinYear)/64].Has((n - wallclock.MinYear) % 64) }

// next returns the first match at or after from.
func (p *pattern) next(from wallclock.WallTime) (wallclock.WallTime, bool) {
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

// prev returns the last match at or before UpTo.
func (p *pattern) prev(upTo wallclock.WallTime) (wallclock.WallTime, bool) {
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

// nextMatch is next without stepOverrun.
func (p *pattern) nextMatch(from wallclock.WallTime) (wallclock.WallTime, bool) {
	from = max(from, 0)
	if from >= wallclock.SearchEnd {
		return 0, false
	}
	d, at := from.DateAndTime()
	// The day of from can match although its time of day has passed.
	found, ok := p.dayFrom(d)
	if !ok {
		return 0, false
	}
	if found == d {
		if clock, ok := p.timeFrom(at); ok {
			return from - at + clock, true
		}
		d.Day++
		if found, ok = p.dayFrom(d); !ok {
			return 0, false
		}
	}
	clock, ok := p.timeFrom(0)
	return wallclock.MidnightOf(found.Year, found.Month, found.Day) + clock, ok
}

// prevMatch is prev without stepOverrun.
func (p *pattern) prevMatch(upTo wallclock.WallTime) (wallclock.WallTime, bool) {
	upTo = min(upTo, wallclock.SearchEnd-1)
	if upTo < 0 {
		return 0, false
	}
	d, at := upTo.DateAndTime()
	found, ok := p.dayUpTo(d)
	if !ok {
		return 0, false
	}
	if found == d {
		if clock, ok := p.timeUpTo(at); ok {
			return upTo - at + clock, true
		}
		d.Day--
		if found, ok = p.dayUpTo(d); !ok {
			return 0, false
		}
	}
	clock, ok := p.timeUpTo(wallclock.Day - 1)
	return wallclock.MidnightOf(found.Year, found.Month, found.Day) + clock, ok
}

// dayFrom returns the first matching day at or after d. The day of d can be one past the end of its
// month.
func (p *pattern) dayFrom(d wallclock.Date) (wallclock.Date, bool) {
	for y := d.Year; y <= wallclock.MaxYear; y++ {
		if p.years.has(y) {
			for m := range p.months.From(d.Month).All() {
				days := p.days.matchingDays(y, m)
				if m == d.Month {
					days = days.From(d.Day)
				}
				if days != 0 {
					return wallclock.Date{Year: y, Month: m, Day: days.First()}, true
				}
			}
		}
		d.Month, d.Day = 1, 1
	}
	return wallclock.Date{}, false
}

// dayUpTo returns the last matching day at or before d. The day of d can be 0.
func (p *pattern) dayUpTo(d wallclock.Date) (wallclock.Date, bool) {
	for y := d.Year; y >= wallclock.MinYear; y-- {
		if p.years.has(y) {
			for months := p.months.UpTo(d.Month); months != 0; months = months.UpTo(months.Last() - 1) {
				m := months.Last()
				days := p.days.matchingDays(y, m)
				if m == d.Month {
					days = days.UpTo(d.Day)
				}
				if days != 0 {
					return wallclock.Date{Year: y, Month: m, Day: days.Last()}, true
				}
			}
		}
		d.Month, d.Day = 12, 31
	}
	return wallclock.Date{}, false
}

// timeFrom returns the first matching time of day at or after at.
func (p *pattern) timeFrom(at wallclock.WallTime) (wallclock.WallTime, bool) {
	h, m := int(at/wallclock.Hour), int(at%wallclock.Hour/wallclock.Minute)
	// From the smallest unit up: in the same minute, then in the same hour, then later.
	if p.hours.Has(h) {
		if p.minutes.Has(m) {
			if s, ok := p.seconds.From(at % wallclock.Minute); ok {
				return at - at%wallclock.Minute + s, true
			}
		}
		if rest := p.minutes.From(m + 1); rest != 0 {
			return p.timeOfDay(h, rest.First()) + p.seconds.First(), true
		}
	}
	rest := p.hours.From(h + 1)
	if rest == 0 {
		return 0, false
	}
	return p.timeOfDay(rest.First(), p.minutes.First()) + p.seconds.First(), true
}

// timeUpTo returns the last matching time of day at or before at.
func (p *pattern) timeUpTo(at wallclock.WallTime) (wallclock.WallTime, bool) {
	h, m := int(at/wallclock.Hour), int(at%wallclock.Hour/wallclock.Minute)
	if p.hours.Has(h) {
		if p.minutes.Has(m) {
			if s, ok := p.seconds.UpTo(at % wallclock.Minute); ok {
				return at - at%wallclock.Minute + s, true
			}
		}
		if rest := p.minutes.UpTo(m - 1); rest != 0 {
			return p.timeOfDay(h, rest.Last()) + p.seconds.Last(), true
		}
	}
	rest := p.hours.UpTo(h - 1)
	if rest == 0 {
		return 0, false
	}
	return p.timeOfDay(rest.Last(), p.minutes.Last()) + p.seconds.Last(), true
}

// timeOfDay returns a time of day without seconds.
func (*pattern) timeOfDay(h, m int) wallclock.WallTime {
	return wallclock.WallTime(h)*wallclock.Hour + wallclock.WallTime(m)*wallclock.Minute
}
