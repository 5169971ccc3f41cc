package message

import (
	"fmt"
	"strconv"
	"time"
)

// clock formats times for people in one time zone, relative to a current day.
type clock struct {
	zone *time.Location
	now  time.Time
}

// brief returns "03:00", with the date if it is not today.
func (c clock) brief(t time.Time) string { return c.write(t, "15:04", false) }

// briefZoned returns "03:00 UTC", for texts that do not name the zone elsewhere.
func (c clock) briefZoned(t time.Time) string {
	return c.brief(t) + " " + t.In(c.zone).Format("MST")
}

// full returns "Tue 14 Oct 03:00:04", with the year if it is not the current one.
func (c clock) full(t time.Time) string { return c.write(t, "15:04:05", true) }

// exact returns "03:00:04", with the date where it is not today's.
func (c clock) exact(t time.Time) string { return c.write(t, "15:04:05", false) }

// exactZoned returns "03:00:04 UTC", for texts that do not name the zone elsewhere.
func (c clock) exactZoned(t time.Time) string {
	return c.exact(t) + " " + t.In(c.zone).Format("MST")
}

// write formats t in the zone. The date comes first if dated is true or the day
// differs.
func (c clock) write(t time.Time, layout string, dated bool) string {
	t, now := t.In(c.zone), c.now.In(c.zone)
	switch {
	case t.Year() != now.Year():
		layout = "Mon 2 Jan 2006 " + layout
	case dated || t.YearDay() != now.YearDay():
		layout = "Mon 2 Jan " + layout
	}
	return t.Format(layout)
}

// FormatDuration returns a duration in at most two units, rounded down, without zero
// units: 41s, 7m, 4h 51m, 2d 3h.
func FormatDuration(d time.Duration) string {
	if d < time.Second {
		return "less than 1s"
	}
	units := []struct {
		length time.Duration
		sign   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.length {
			continue
		}
		text := strconv.FormatInt(int64(d/u.length), 10) + u.sign
		if i+1 < len(units) {
			next := units[i+1]
			if rest := d % u.length / next.length; rest > 0 {
				text += fmt.Sprintf(" %d%s", rest, next.sign)
			}
		}
		return text
	}
	return ""
}
