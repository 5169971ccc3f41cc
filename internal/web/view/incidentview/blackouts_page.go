package incidentview

import (
	"math"
	"strconv"
	"time"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/paths"
	"overdue/internal/web/view/ui"
)

// BlackoutsPage lists the times in which Overdue was not watching, newest first.
type BlackoutsPage struct {
	layout.Shell
	Since                 time.Time // start of the figures and of the ruler; they end now
	Stats                 BlackoutStats
	Marks                 []BlackoutMark // on the ruler, oldest first
	Rows                  []BlackoutRow
	NewestPath, OlderPath string // addresses of other pages; empty if there are none
}

// BlackoutStats are the figures since the start of the ruler.
type BlackoutStats struct {
	Count          int
	Total, Longest time.Duration
	Unknown        int       // heartbeats whose expected run is unknown, added up over the blackouts
	Last           time.Time // end of the last one; zero for none
}

// BlackoutMark is one blackout on the ruler.
type BlackoutMark struct {
	Number   int64
	From, To time.Time
	Cause    string
}

// BlackoutRow is one blackout of the list.
type BlackoutRow struct {
	Number         int64
	From, To       time.Time
	Cause, Detail  string
	Unknown, Moved int                 // heartbeats of the project
	Heartbeats     []BlackoutHeartbeat // the first of them
	Open           bool                // shown with all of its heartbeats
	AllPath        string              // address of the page with all heartbeats; empty if they are shown
	Notice         *BlackoutNotice     // nil for none
	Noticeable     bool                // long enough for a notice
}

// BlackoutHeartbeat is a heartbeat that a blackout affected.
type BlackoutHeartbeat struct {
	Key, Name string
	Unknown   bool // its run is unknown; otherwise its deadline moved
	Due, Next time.Time
}

// BlackoutNotice is the notice as it was sent.
type BlackoutNotice struct {
	At                         time.Time
	Title, Text                string
	Facts                      []ui.Option // the label and the value
	Delivered, Pending, Failed []string    // names of channels
}

// blackoutCauses has the label of each cause of a blackout.
var blackoutCauses = map[string]string{
	"crash": "Crash", "stop": "Restart", "upgrade": "Upgrade", "suspend": "Suspended", "database": "Database unavailable", "disk": "Disk full or stalled", "clock": "Clock set",
}

// blackoutCause returns the label of a cause. An unknown cause is its own label.
func blackoutCause(cause string) string {
	if label, ok := blackoutCauses[cause]; ok {
		return label
	}
	return cause
}

// lengthText returns the length of a blackout.
func (r BlackoutRow) lengthText() string {
	if !r.To.After(r.From) {
		return "" // a clock was set back
	}
	return ui.RunTime(r.To.Sub(r.From))
}

// endText returns the end of a blackout, with its date if it differs from that of the start.
func (r BlackoutRow) endText(c ui.Clock) string {
	if c.Date(r.From) == c.Date(r.To) {
		return c.Time(r.To)
	}
	return c.DateTime(r.To)
}

// id returns the id of the row on the page.
func (r BlackoutRow) id() string { return "blackout-" + strconv.FormatInt(r.Number, 10) }

// whoText says how many heartbeats of the project were affected.
func (r BlackoutRow) whoText() string {
	switch {
	case r.Unknown > 0:
		return ui.Plural(r.Unknown, "heartbeat")
	case r.Moved > 0:
		return ui.Plural(r.Moved, "deadline") + " moved"
	}
	return "Nothing was due"
}

// unknownText says whose runs are unknown.
func (r BlackoutRow) unknownText() string {
	text := "None: nothing was due."
	switch {
	case r.Unknown > 0:
		text = ui.Plural(r.Unknown, "heartbeat") + ". Neither late nor missed, and not counted."
	case r.Moved > 0:
		text = "None."
	}
	if r.Moved > 0 {
		text += " " + ui.Plural(r.Moved, "deadline") + " moved by " + ui.RunTime(r.To.Sub(r.From)) + "."
	}
	return text
}

// effectText says what the blackout changed for a heartbeat.
func (h BlackoutHeartbeat) effectText() string { return ui.If(h.Unknown, "Unknown", "Deadline moved") }

// timeText returns a time, with its date if it differs from that of the start of the blackout.
func (r BlackoutRow) timeText(c ui.Clock, t time.Time) string {
	switch {
	case t.IsZero():
		return "–"
	case c.Date(t) == c.Date(r.From):
		return c.Time(t)
	}
	return c.DateTime(t)
}

// sentence says to whom the notice was sent.
func (n BlackoutNotice) sentence() string {
	text := ""
	for _, part := range []struct {
		words string
		names []string
	}{{"Delivered to ", n.Delivered}, {"Pending for ", n.Pending}, {"Failed for ", n.Failed}} {
		if len(part.names) > 0 {
			text = ui.JoinSentences(text, part.words+ui.JoinWords(part.names)+".")
		}
	}
	return text
}

// noticeText says why there is no notice.
func (r BlackoutRow) noticeText() string {
	if !r.Noticeable {
		return "None. Channels are notified only of blackouts of more than a minute."
	}
	return "None was sent in this project: it had no channels, or the notice is no longer stored."
}

// period returns the time of the figures.
func (p BlackoutsPage) period() time.Duration { return p.Now.Sub(p.Since) }

// days returns the number of days of the figures.
func (p BlackoutsPage) days() int { return int(math.Round(p.period().Hours() / 24)) }

// watchedText returns the share of the time in which Overdue was watching. It is rounded down: 100 %
// means all of it.
func (p BlackoutsPage) watchedText() string {
	if p.period() <= 0 {
		return ""
	}
	share := 100 * (1 - ui.Ratio(p.Stats.Total, p.period()))
	return ui.Decimals(math.Floor(share*1000)/1000, 3) + " %"
}

// totalText returns the length of all blackouts.
func (p BlackoutsPage) totalText() string {
	if p.Stats.Count == 0 {
		return ""
	}
	return ui.RunTime(p.Stats.Total)
}

// longestText returns the length of the longest blackout.
func (p BlackoutsPage) longestText() string {
	if p.Stats.Count < 2 {
		return ""
	}
	return ui.RunTime(p.Stats.Longest)
}

// summary says in words what the ruler shows.
func (p BlackoutsPage) summary() string {
	if p.Stats.Count == 0 {
		return "No blackout in " + ui.Plural(p.days(), "day") + "."
	}
	return ui.Plural(p.Stats.Count, "blackout") + " in " + ui.Plural(p.days(), "day") + ", " + ui.RunTime(p.Stats.Total) + " in total."
}

// position returns the position of a time on the ruler, in percent.
func (p BlackoutsPage) position(t time.Time) float64 {
	return min(max(100*ui.Ratio(t.Sub(p.Since), p.period()), 0), 100)
}

// rulerTick is the start of a month on the ruler.
type rulerTick struct{ x, label string }

// minTickDistance is the smallest distance of a label from the ends of the ruler, in percent.
const minTickDistance = 3

// ticks returns the starts of the months.
func (p BlackoutsPage) ticks() (ticks []rulerTick) {
	start := p.InZone(p.Since)
	for month := time.Date(start.Year(), start.Month()+1, 1, 0, 0, 0, 0, start.Location()); month.Before(p.Now); month = month.AddDate(0, 1, 0) {
		if x := p.position(month); x > minTickDistance && x < 100-minTickDistance {
			ticks = append(ticks, rulerTick{ui.Percent(x), month.Format("2 Jan")})
		}
	}
	return ticks
}

// x returns the position of the start of a mark.
func (p BlackoutsPage) x(m BlackoutMark) string { return ui.Percent(p.position(m.From)) }

// width returns the width of a mark.
func (p BlackoutsPage) width(m BlackoutMark) string {
	return ui.Percent(p.position(m.To) - p.position(m.From))
}

// title describes a mark.
func (m BlackoutMark) title(c ui.Clock) string {
	return c.ShortDateTime(m.From) + ", " + ui.RunTime(m.To.Sub(m.From)) + ", " + blackoutCause(m.Cause)
}

// path returns the address of the row of a mark.
func (m BlackoutMark) path() string { return paths.Blackout(m.Number) }
