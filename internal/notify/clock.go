package notify

import (
	"fmt"
	"strconv"
	"time"
)

// clock writes times for people, in one zone and as seen on one day.
type clock struct {
	zone *time.Location
	now  time.Time
}

// brief returns "03:00", with the date where it is not today's.
func (c clock) brief(t time.Time) string { return c.write(t, "15:04", false) }

// briefZoned returns "03:00 UTC", for texts in which no other line names the zone.
func (c clock) briefZoned(t time.Time) string {
	return c.brief(t) + " " + t.In(c.zone).Format("MST")
}

// full returns "Tue 14 Oct 03:00:04", with the year where it is not this one.
func (c clock) full(t time.Time) string { return c.write(t, "15:04:05", true) }

// exact returns "03:00:04", with the date where it is not today's.
func (c clock) exact(t time.Time) string { return c.write(t, "15:04:05", false) }

// write returns t in the zone, after its date if that is wanted or needed.
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

// formatDuration returns a duration in at most two units, zero ones dropped, rounded
// down: 41s, 7m, 4h 51m, 2d 3h.
func formatDuration(d time.Duration) string {
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
