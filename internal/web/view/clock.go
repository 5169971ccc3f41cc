package view

import (
	"strconv"
	"time"
)

// Clock is the moment at which a page is drawn and the zone in which the
// project reads times. It does not run: every time on a page is told from the
// same instant. The zero Zone is UTC.
type Clock struct {
	Now  time.Time
	Zone *time.Location
}

// local is the only place where an instant becomes a local time.
func (c Clock) local(t time.Time) time.Time {
	if c.Zone == nil {
		return t.UTC()
	}
	return t.In(c.Zone)
}

// ZoneName is the name of the zone, such as Europe/Berlin. It is said once per
// section of a page, never beside each time.
func (c Clock) ZoneName() string {
	if c.Zone == nil {
		return "UTC"
	}
	return c.Zone.String()
}

// Time is the time of day with seconds: "03:00:04".
func (c Clock) Time(t time.Time) string { return c.local(t).Format("15:04:05") }

// Minute is the time of day without seconds: "03:00".
func (c Clock) Minute(t time.Time) string { return c.local(t).Format("15:04") }

// Date is the day: "Tue 14 Oct", with the year only when it is not this year.
func (c Clock) Date(t time.Time) string {
	return c.local(t).Format("Mon 2 Jan") + c.year(t)
}

// Day is the date without the weekday: "14 Oct", "11 Nov 2024".
func (c Clock) Day(t time.Time) string {
	return c.local(t).Format("2 Jan") + c.year(t)
}

func (c Clock) year(t time.Time) string {
	if y := c.local(t).Year(); y != c.local(c.Now).Year() {
		return " " + strconv.Itoa(y)
	}
	return ""
}

// DateTime is date and time with seconds: "Tue 14 Oct, 19:54:13".
func (c Clock) DateTime(t time.Time) string { return c.Date(t) + ", " + c.Time(t) }

// ShortDateTime is date and time without seconds: "Tue 14 Oct, 19:54".
func (c Clock) ShortDateTime(t time.Time) string { return c.Date(t) + ", " + c.Minute(t) }

// FullDate always names the year: "Tue 14 Oct 2025".
func (c Clock) FullDate(t time.Time) string { return c.local(t).Format("Mon 2 Jan 2006") }

// FullDateTime is what a time shows when pointed at: "Tue 14 Oct 2025, 19:54:13".
func (c Clock) FullDateTime(t time.Time) string { return c.FullDate(t) + ", " + c.Time(t) }

// Spoken is the form for a sentence that is read aloud: "Tuesday 03:00:04".
func (c Clock) Spoken(t time.Time) string { return c.local(t).Format("Monday 15:04:05") }

// Ago is how long before now t was.
func (c Clock) Ago(t time.Time) string { return Ago(c.Now.Sub(t)) }

// Since is the time from t to now, rounded down.
func (c Clock) Since(t time.Time) string { return Elapsed(c.Now.Sub(t)) }

// Until is the time from now to t, rounded up.
func (c Clock) Until(t time.Time) string { return Remaining(t.Sub(c.Now)) }

// rfc3339 is how a time is written for programs: RFC 3339 in UTC. Fractions
// are dropped, since nothing on a page shows them.
func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// FormTime is how a datetime-local input writes a time (HTML, "local date and
// time string"); the zero time is an empty input.
func (c Clock) FormTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return c.local(t).Format("2006-01-02T15:04")
}

// sameDay is the time of day for what happened today, else date and time.
func (c Clock) sameDay(t time.Time) string {
	if c.Date(t) == c.Date(c.Now) {
		return c.Time(t)
	}
	return c.DateTime(t)
}
