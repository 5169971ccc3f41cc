package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// Status is a status with its sign.
func Status(name string) templ.Component { return ui.Status(name) }

// StatusTable is the table of statuses.
func StatusTable() templ.Component { return statusTable(statusMeanings) }

// statusMeaning is one row of the table of statuses.
type statusMeaning struct{ status, meaning, happens string }

// statusMeanings defines the statuses of a heartbeat.
var statusMeanings = []statusMeaning{
	{"new", "No ping since it was created", "Nothing until the first ping"},
	{"up", "The last ping arrived in time", "Overdue expects the next ping"},
	{"late", "The interval has passed, the grace period has not", "Shown in the list. Only channels that notify on Late send an alert"},
	{"down", "The grace period has passed, the job failed, or it ran too long", "An incident opens and alerts are sent"},
	{"paused", "A user paused it", "Not evaluated. The next ping resumes it"},
}
