package schedule

// overrun is a habit of systemd 252 that can be seen from outside: a step without an
// end runs on past the end of its unit, and systemd resumes where it lands.
//
// "*:0/7" means minutes 0, 7 … 56, and so does systemd until the day is over: then 56 is
// followed by 63, which is minute 3 of the next day, and the elapse at 00:00 is passed
// over. Within the day the rest is dropped, because the hour has changed and its minutes
// begin anew; systemd begins anew only the unit just below the largest one that changed. So
// minutes overrun into the next day, hours into the next month, days into the next year.
//
// Each field is how much of the next unit is passed over; 0 is nothing.
type overrun struct {
	day    int
	hour   int
	minute int
	second wall
}

// beyond returns how far the first step after the last member goes beyond high.
// A chain that ends at high has none: then the unit above is counted up instead.
func (c chain) beyond(last, high int) int {
	if last == high {
		return 0
	}
	nearest := 0
	for _, part := range c {
		if part.stop != open || part.repeat == 0 {
			continue
		}
		next := part.start + (last-part.start)/part.repeat*part.repeat + part.repeat
		if nearest == 0 || next < nearest {
			nearest = next
		}
	}
	return max(0, nearest-high-1)
}

// inDecember counts a chain from the beginning of December instead of its end.
func (c chain) inDecember() chain {
	var days chain
	for _, part := range c {
		days = append(days, component{32 - part.start, part.stop, part.repeat})
	}
	return days
}

// passedOver returns the stretch around the match w that systemd leaves out.
func (p *pattern) passedOver(w wall) (from, to wall, ok bool) {
	if p.over == (overrun{}) {
		return 0, 0, false
	}
	d, clock := w.civil()
	midnight := w - clock
	switch {
	case d.month == 1 && d.day < p.over.day && p.months.has(12) && d.year > firstYear && p.years.has(d.year-1):
		newYear := wallOf(d.year, 1, 1)
		return newYear, newYear + wall(p.over.day-1)*day, true
	case d.day == 1 && clock < wall(p.over.hour)*hour && p.matchesDay(midnight-1):
		return midnight, midnight + wall(p.over.hour)*hour, true
	case clock < wall(p.over.minute)*minute && p.visits(midnight-hour):
		return midnight, midnight + wall(p.over.minute)*minute, true
	}
	start := w - w%minute
	over := p.over.second
	if start%hour != 0 {
		over %= second // the seconds begin anew, their fraction does not
	}
	if w-start < over && p.visits(start-minute) && p.minutes.has(int((start-minute)%hour/minute)) {
		return start, start + over, true
	}
	return 0, 0, false
}

// visits reports whether the hour of a reading matches.
func (p *pattern) visits(w wall) bool {
	return w >= 0 && p.hours.has(int(w%day/hour)) && p.matchesDay(w)
}

func (p *pattern) matchesDay(w wall) bool {
	if w < 0 {
		return false
	}
	d, _ := w.civil()
	return p.years.has(d.year) && p.months.has(d.month) && p.days.in(d.year, d.month).has(d.day)
}
