package schedule

// stepOverrun is a habit of systemd 252 that can be seen from outside: a step without an
// end runs on past the end of its unit, and systemd resumes where it lands.
//
// "*:0/7" means minutes 0, 7 … 56, and so does systemd until the day is over: then 56 is
// followed by 63, which is minute 3 of the next day, and the elapse at 00:00 is passed
// over. Within the day the rest is dropped, because the hour has changed and its minutes
// begin anew; systemd begins anew only the unit just below the largest one that changed. So
// minutes overrun into the next day, hours into the next month, days into the next year.
//
// Each field is how much of the next unit is passed over; 0 is nothing.
type stepOverrun struct {
	day    int
	hour   int
	minute int
	second wallTime
}

// overrunPast returns how far the first step after the last member goes beyond high.
// A chain that ends at high has none: then the unit above is counted up instead.
func (c componentList) overrunPast(last, high int) int {
	if last == high {
		return 0
	}
	nearest := 0
	for _, part := range c {
		if part.stop != noStop || part.repeat == 0 {
			continue
		}
		next := part.start + (last-part.start)/part.repeat*part.repeat + part.repeat
		if nearest == 0 || next < nearest {
			nearest = next
		}
	}
	return max(0, nearest-high-1)
}

// asDecemberDays counts a chain from the beginning of December instead of its end.
func (c componentList) asDecemberDays() componentList {
	var days componentList
	for _, part := range c {
		days = append(days, component{32 - part.start, part.stop, part.repeat})
	}
	return days
}

// skippedByOverrun returns the stretch around the match w that systemd leaves out.
func (p *pattern) skippedByOverrun(w wallTime) (from, to wallTime, ok bool) {
	if p.overrun == (stepOverrun{}) {
		return 0, 0, false
	}
	d, clock := w.dateAndTime()
	midnight := w - clock
	switch {
	case d.month == 1 && d.day < p.overrun.day && p.months.has(12) && d.year > minYear && p.years.has(d.year-1):
		newYear := midnightOf(d.year, 1, 1)
		return newYear, newYear + wallTime(p.overrun.day-1)*day, true
	case d.day == 1 && clock < wallTime(p.overrun.hour)*hour && p.matchesDay(midnight-1):
		return midnight, midnight + wallTime(p.overrun.hour)*hour, true
	case clock < wallTime(p.overrun.minute)*minute && p.matchesHour(midnight-hour):
		return midnight, midnight + wallTime(p.overrun.minute)*minute, true
	}
	start := w - w%minute
	over := p.overrun.second
	if start%hour != 0 {
		over %= second // the seconds begin anew, their fraction does not
	}
	if w-start < over && p.matchesHour(start-minute) && p.minutes.has(int((start-minute)%hour/minute)) {
		return start, start + over, true
	}
	return 0, 0, false
}

// matchesHour reports whether the hour of a reading matches.
func (p *pattern) matchesHour(w wallTime) bool {
	return w >= 0 && p.hours.has(int(w%day/hour)) && p.matchesDay(w)
}

func (p *pattern) matchesDay(w wallTime) bool {
	if w < 0 {
		return false
	}
	d, _ := w.dateAndTime()
	return p.years.has(d.year) && p.months.has(d.month) && p.days.matchingDays(d.year, d.month).has(d.day)
}
