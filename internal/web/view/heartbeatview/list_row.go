package heartbeatview

import (
	"time"

	"overdue/internal/web/view/ui"
)

// Row is one heartbeat of the list.
type Row struct {
	Key      string // id for readers who may see ping URLs, ref for all others
	Name     string
	Status   string
	Severity string
	Tags     []string
	Schedule string // in words: "every 24 h"
	Grace    time.Duration
	Editable bool // shows checkbox and menu

	Due      time.Time // when the next ping is expected
	AlertAt  time.Time // when an incident opens; zero if a run in progress can only be tolerated
	LastPing time.Time // zero before the first
	Created  time.Time

	LastStart    time.Time // zero before the first
	DownSince    time.Time // start of the open incident
	Cause        string    // of the open incident, as in the API
	PausedAt     time.Time
	PausedBy     string    // first name or name
	RunningSince time.Time // start of the current run; zero if not running

	MaintenanceUntil time.Time // end of the window in progress, zero for none
	Muted            bool      // its alerts are muted
	MutedUntil       time.Time // zero if a user ends the mute

	FlappingUntil time.Time // when its alerts no longer wait if nothing changes; zero if it does not flap

	Strip RunStrip
	Spark DurationSparkline
}

// maxRowTags is the number of tags that a row shows. A disclosure has the others.
const maxRowTags = 2

func (r Row) firstTags() []string { return r.Tags[:min(maxRowTags, len(r.Tags))] }

func (r Row) moreTags() []string { return r.Tags[min(maxRowTags, len(r.Tags)):] }

// RowID returns the id of the row, for the event stream.
func RowID(key string) string { return "hb-" + key }

// Announcement returns the sentence that screen readers speak when a status
// changes: "Warehouse stock sync is Down".
func Announcement(name, status string) string { return name + " is " + ui.SignOf(status).Text }

// severityOptions are the severities that a bulk action can set.
var severityOptions = []ui.Option{{Value: "critical", Label: "Critical"}, {Value: "warning", Label: "Warning"}, {Value: "info", Label: "Info"}}
