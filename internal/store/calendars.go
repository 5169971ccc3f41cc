package store

import (
	"encoding/json"
	"fmt"
	"sync"

	"overdue/internal/monitor"
)

// mostCalendars bounds how many calendars are kept as they were read.
const mostCalendars = 20_000

// calendars keeps calendars by their text: reading one takes longer than all
// else that a ping does, and many heartbeats share a text.
type calendars struct {
	lock  sync.RWMutex
	known map[calendarText]*monitor.Calendar
}

// calendarText is a calendar as it is stored.
type calendarText struct{ language, lines, zone string }

// read returns the calendar with a text.
func (c *calendars) read(text calendarText) (*monitor.Calendar, error) {
	c.lock.RLock()
	calendar := c.known[text]
	c.lock.RUnlock()
	if calendar != nil {
		return calendar, nil
	}
	var lines []string
	if err := json.Unmarshal([]byte(text.lines), &lines); err != nil {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	calendar, err := monitor.NewCalendar(monitor.CalendarKind(text.language), lines, text.zone)
	if err != nil {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.known == nil || len(c.known) >= mostCalendars {
		c.known = map[calendarText]*monitor.Calendar{} // those in use come back soon
	}
	c.known[text] = calendar
	return calendar, nil
}

// textOf is how a calendar is stored.
func textOf(c *monitor.Calendar) calendarText {
	if c == nil {
		return calendarText{lines: "[]"}
	}
	return calendarText{string(c.Kind()), encode(c.Lines()), c.Zone()}
}
