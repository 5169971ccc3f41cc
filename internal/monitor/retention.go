package monitor

import (
	"fmt"
	"strconv"
	"time"
)

// Retention is how long the history is kept. A zero value of a field keeps everything.
type Retention struct {
	Pings             time.Duration // age of a ping
	PingsPerHeartbeat int           // pings of one heartbeat; up to a hundred more are kept
	Runs              time.Duration // age of the end of a span of the run history
	Incidents         time.Duration // time since an incident was resolved, or an alert without an incident was created
	Audit             time.Duration // age of an entry of the audit log
}

// DefaultRetention applies unless the settings of the server say otherwise.
var DefaultRetention = Retention{
	Pings: 90 * day, PingsPerHeartbeat: 1000, Runs: 400 * day, Incidents: 400 * day, Audit: 400 * day,
}

// MinRetention and MinPingsPerHeartbeat are the smallest values that are not 0.
const (
	MinRetention         = day
	MinPingsPerHeartbeat = 100
)

const day = 24 * time.Hour

// String returns the settings as one text, to compare them.
func (r Retention) String() string {
	age := func(d time.Duration) string {
		if d == 0 {
			return "forever"
		}
		return strconv.FormatFloat(d.Hours()/24, 'f', -1, 64) + "d"
	}
	return fmt.Sprintf("pings %s, pings per heartbeat %d, runs %s, incidents %s, audit %s",
		age(r.Pings), r.PingsPerHeartbeat, age(r.Runs), age(r.Incidents), age(r.Audit))
}

// PingsText says when pings are deleted. It is empty if they are kept forever.
func (r Retention) PingsText() string {
	switch {
	case r.Pings == 0 && r.PingsPerHeartbeat == 0:
		return ""
	case r.PingsPerHeartbeat == 0:
		return "Pings are deleted after " + daysText(r.Pings) + "."
	case r.Pings == 0:
		return "The last " + countText(r.PingsPerHeartbeat) + " pings are kept."
	}
	return fmt.Sprintf("The last %s pings are kept, for up to %s.", countText(r.PingsPerHeartbeat), daysText(r.Pings))
}

// IncidentsText says when incidents are deleted. It is empty if they are kept forever.
func (r Retention) IncidentsText() string {
	return ageText("Incidents are deleted %s after they were resolved.", r.Incidents)
}

// AuditText says when entries of the audit log are deleted. It is empty if they are
// kept forever.
func (r Retention) AuditText() string {
	return ageText("Entries are deleted after %s.", r.Audit)
}

// ageText returns a sentence with an age, or "" if the age is not limited.
func ageText(format string, age time.Duration) string {
	if age == 0 {
		return ""
	}
	return fmt.Sprintf(format, daysText(age))
}

// daysText returns an age in days, and hours if it is not a whole number of days.
func daysText(d time.Duration) string {
	days, hours := int(d/day), int(d%day/time.Hour)
	text := strconv.Itoa(days) + " days"
	if days == 1 {
		text = "1 day"
	}
	if hours > 0 {
		text += fmt.Sprintf(" and %d h", hours)
	}
	return text
}

// countText returns a number with commas between thousands.
func countText(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
