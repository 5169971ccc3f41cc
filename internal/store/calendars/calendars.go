// Package calendars is the only place that keeps parsed calendars in memory, by the text
// that is stored.
package calendars

import (
	"encoding/json"
	"fmt"
	"sync"

	"overdue/internal/monitor"
)

// maxCalendars is the maximum number of parsed calendars in memory.
const maxCalendars = 20_000

// Cache contains parsed calendars by their stored text. Parsing one takes longer than all
// other work of a ping, and many heartbeats have the same text.
type Cache struct {
	mu     sync.RWMutex
	byText map[Text]*monitor.Calendar
}

// Text is a calendar as it is stored.
type Text struct{ Language, Lines, Zone string }

// Parse returns the calendar with the given text, from memory if possible.
func (c *Cache) Parse(text Text) (*monitor.Calendar, error) {
	c.mu.RLock()
	calendar := c.byText[text]
	c.mu.RUnlock()
	if calendar != nil {
		return calendar, nil
	}
	var lines []string
	if err := json.Unmarshal([]byte(text.Lines), &lines); err != nil {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	calendar, err := monitor.NewCalendar(monitor.CalendarKind(text.Language), lines, text.Zone)
	if err != nil {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byText == nil || len(c.byText) >= maxCalendars {
		c.byText = map[Text]*monitor.Calendar{} // those in use are parsed again when needed
	}
	c.byText[text] = calendar
	return calendar, nil
}

// TextOf returns a calendar as it is stored.
func TextOf(c *monitor.Calendar) Text {
	if c == nil {
		return Text{Lines: "[]"}
	}
	lines, _ := json.Marshal(c.Lines()) // texts always marshal
	return Text{string(c.Kind()), string(lines), c.Zone()}
}
