package docsview

import (
	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
)

// Status is a status with its sign, for a sentence or a table.
func Status(name string) templ.Component { return ui.Status(name) }

// StatusTable is the table of statuses.
func StatusTable() templ.Component { return statusTable(statusMeanings) }

// statusMeaning is one line of the table of statuses.
type statusMeaning struct{ status, meaning, happens string }

// statusMeanings tell the statuses of a heartbeat as the product defines them.
var statusMeanings = []statusMeaning{
	{"new", "No ping since it was created", "Nothing, until the first ping"},
	{"up", "The last ping came in time", "Overdue counts down to the next"},
	{"late", "The interval is over, the grace period is not", "Shown, not alerted, unless a channel asks for it"},
	{"down", "The grace period is over, the job failed, or it ran too long", "An incident opens and alerts go out"},
	{"paused", "Someone paused it", "Not judged. The next ping resumes it"},
}
