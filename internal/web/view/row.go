package view

import "time"

// Row is one heartbeat of a list. The page and its live stream draw it from
// the same facts.
type Row struct {
	Key      string // the id for those who may ping, the ref for everyone else
	Name     string
	Status   string
	Tags     []string
	Schedule string // in words: "every 24 h"
	Grace    time.Duration
	Editable bool // with checkbox and menu

	Due      time.Time // when the next ping is expected
	Deadline time.Time // when silence becomes an incident
	LastPing time.Time // zero before the first
	Created  time.Time

	LastStart    time.Time // zero before the first
	DownSince    time.Time // the open incident
	Cause        string    // of it, as the API names it
	PausedAt     time.Time
	PausedBy     string    // the person's first name or name
	RunningSince time.Time // a start without its finish; zero when not running

	Strip RunStrip
	Spark DurationSparkline
}

// RowID is the id of the row in the page, by which a live row is swapped.
func RowID(key string) string { return "hb-" + key }

// Announcement is what is said aloud when a heartbeat changes its status:
// "Warehouse stock sync is Down".
func Announcement(name, status string) string { return name + " is " + signOf(status).word }
