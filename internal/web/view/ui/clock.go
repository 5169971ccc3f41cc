package ui

import (
	"regexp"
	"strconv"
	"time"
)

// Clock is the instant at which a page is rendered and the time zone of its
// times. It does not run, so all times of a page refer to the same instant. A
// nil Zone means UTC.
type Clock struct {
	Now  time.Time
	Zone *time.Location
}

// InZone returns t in the zone of the page. No other code converts to local time.
func (c Clock) InZone(t time.Time) time.Time {
	if c.Zone == nil {
		return t.UTC()
	}
	return t.In(c.Zone)
}

// ZoneName returns the name of the zone, such as Europe/Berlin. A page shows it
// once, above its head, not next to each time.
func (c Clock) ZoneName() string {
	if c.Zone == nil {
		return "UTC"
	}
	return c.Zone.String()
}

// Time returns the time of day with seconds: "03:00:04".
func (c Clock) Time(t time.Time) string { return c.InZone(t).Format("15:04:05") }

// Minute returns the time of day without seconds: "03:00".
func (c Clock) Minute(t time.Time) string { return c.InZone(t).Format("15:04") }

// Date returns the day: "Tue 14 Oct". It includes the year only if it is not the
// current year.
func (c Clock) Date(t time.Time) string {
	return c.InZone(t).Format("Mon 2 Jan") + c.year(t)
}

// Day returns the date without the weekday: "14 Oct", "11 Nov 2024".
func (c Clock) Day(t time.Time) string {
	return c.InZone(t).Format("2 Jan") + c.year(t)
}

func (c Clock) year(t time.Time) string {
	if y := c.InZone(t).Year(); y != c.InZone(c.Now).Year() {
		return " " + strconv.Itoa(y)
	}
	return ""
}

// DateTime returns date and time with seconds: "Tue 14 Oct, 19:54:13".
func (c Clock) DateTime(t time.Time) string { return c.Date(t) + ", " + c.Time(t) }

// ShortDateTime returns date and time without seconds: "Tue 14 Oct, 19:54".
func (c Clock) ShortDateTime(t time.Time) string { return c.Date(t) + ", " + c.Minute(t) }

// FullDate returns the date, always with the year: "Tue 14 Oct 2025".
func (c Clock) FullDate(t time.Time) string { return c.InZone(t).Format("Mon 2 Jan 2006") }

// FullDateTime returns the tooltip of a time: "Tue 14 Oct 2025, 19:54:13".
func (c Clock) FullDateTime(t time.Time) string { return c.FullDate(t) + ", " + c.Time(t) }

// inSentence matches a time in a stored sentence.
var inSentence = regexp.MustCompile(`\b\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} UTC\b`)

// Localize returns a stored sentence with its times in the zone of the page. Stored
// sentences have times in UTC, because people in any zone read them.
func (c Clock) Localize(sentence string) string {
	return inSentence.ReplaceAllStringFunc(sentence, func(utc string) string {
		t, err := time.Parse("2006-01-02 15:04:05 UTC", utc)
		if err != nil {
			return utc
		}
		return c.Date(t) + " " + c.Time(t)
	})
}

// Spoken returns the form for screen readers: "Tuesday 03:00:04".
func (c Clock) Spoken(t time.Time) string { return c.InZone(t).Format("Monday 15:04:05") }

// Ago returns how long before now t was, as [Ago] does for a duration.
func (c Clock) Ago(t time.Time) string { return Ago(c.Now.Sub(t)) }

// Since returns the time from t to now, rounded down.
func (c Clock) Since(t time.Time) string { return Elapsed(c.Now.Sub(t)) }

// Until returns the time from now to t, rounded up.
func (c Clock) Until(t time.Time) string { return Remaining(t.Sub(c.Now)) }

// RFC3339 formats a time for programs: RFC 3339 in UTC, without fractions of a
// second.
func RFC3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// FormTime formats a time for a datetime-local input (HTML, "local date and time
// string"). For the zero time it returns an empty string.
func (c Clock) FormTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return c.InZone(t).Format("2006-01-02T15:04")
}

// TimeOrDateTime returns the time of day for today, otherwise date and time.
func (c Clock) TimeOrDateTime(t time.Time) string {
	if c.Date(t) == c.Date(c.Now) {
		return c.Time(t)
	}
	return c.DateTime(t)
}
