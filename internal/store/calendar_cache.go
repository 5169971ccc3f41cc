package store

import (
	"encoding/json"
	"fmt"
	"sync"

	"overdue/internal/monitor"
)

// maxCachedCalendars bounds how many calendars are kept as they were read.
const maxCachedCalendars = 20_000

// calendars keeps calendars by their text: reading one takes longer than all
// else that a ping does, and many heartbeats share a text.
type calendars struct {
	mu     sync.RWMutex
	byText map[calendarText]*monitor.Calendar
}

// calendarText is a calendar as it is stored.
type calendarText struct{ language, lines, zone string }

// parse returns the calendar with a text.
func (c *calendars) parse(text calendarText) (*monitor.Calendar, error) {
	c.mu.RLock()
	calendar := c.byText[text]
	c.mu.RUnlock()
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byText == nil || len(c.byText) >= maxCachedCalendars {
		c.byText = map[calendarText]*monitor.Calendar{} // those in use come back soon
	}
	c.byText[text] = calendar
	return calendar, nil
}

// calendarTextOf is how a calendar is stored.
func calendarTextOf(c *monitor.Calendar) calendarText {
	if c == nil {
		return calendarText{lines: "[]"}
	}
	return calendarText{string(c.Kind()), encodeList(c.Lines()), c.Zone()}
}
