package view

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// IncidentPage is the page of one incident.
type IncidentPage struct {
	Shell
	ID         string
	Number     int
	State      string // open, acknowledged or resolved
	Cause      string
	Resolution string // recovered, edited, paused or deleted; empty while not resolved
	Heartbeat  IncidentHeartbeat

	Opened, Detected time.Time
	Acknowledged     time.Time // zero while nobody has
	AcknowledgedBy   string
	Resolved         time.Time
	FirstAlert       time.Duration // from opening to the first delivery; 0 when none yet
	ExitStatus       int           // exit status of a reported failure; 0 when none was told

	Timeline        []TimelineEntry
	WaitingFor      string // what is still expected; empty when resolved
	Deliveries      []Delivery
	ChannelWarning  ChannelWarning
	FailingChannels []string  // channels that the heartbeat alerts and that do not deliver
	FirstChannelAt  time.Time // when the first of today's channels was made; zero without any

	Runbook      string           // from the description, when it names one
	PreviousText string           // "No incident in 41 days"
	NextIncident *RelatedIncident // the incident that came next; nil when none did
	Explanation  *Explanation     // nil when no deadline is involved
	PrintURL     string           // the address of the page, for paper
	Note         Input            // a note that came back with an error
	CanAct       bool
}

// IncidentHeartbeat is the heartbeat that an incident is about.
type IncidentHeartbeat struct {
	Key, Name, Schedule  string
	Interval, Grace      time.Duration
	LastPing, Due, Alert time.Time
}

// RelatedIncident leads to another incident.
type RelatedIncident struct {
	ID     string
	Number int
	Cause  string
}

// TimelineEntry is one line of a timeline.
type TimelineEntry struct {
	At     time.Time
	Icon   string // icon: k-ping, st-late, st-down, dl-ok …
	Tone   string // colour, as in data-status; empty for plain ink
	Title  string
	Status string // status that the title ends with, set in its colour: "Down"
	Text   string
	Code   string // set in mono after the text: an address, a response
	Quote  string // what a person wrote
	Output bool   // the quote is output of a program
}

// Delivery is one alert to one channel.
type Delivery struct {
	Channel, Kind string
	Recipient     string // the only one that it is for; empty for all others of the channel
	Message       string // "Down", "Reminder", "Recovered"
	State         string // pending, retrying, sent or failed
	Attempts      int
	Latency       time.Duration // of the last attempt; 0 when it never answered
	Response      string        // "200 ok"
	Advice        string        // what to do about it, a sentence
	NextAttempt   time.Time     // zero when there is no next attempt
	At            time.Time     // of the last attempt
}

func (d Delivery) latencyText() string {
	if d.Latency == 0 {
		return ""
	}
	return Latency(d.Latency)
}

// causeVerbs tell the cause as part of a sentence.
var causeVerbs = map[string]string{
	"missed":      "missed its ping",
	"failure":     "reported a failure",
	"overran":     "ran too long",
	"too_short":   "ran too short",
	"not_started": "was not started",
}

// IncidentTitle is the incident in words: "Nightly backup missed its ping".
func IncidentTitle(heartbeat, cause string) string {
	if v, ok := causeVerbs[cause]; ok {
		return heartbeat + " " + v
	}
	return heartbeat + " went Down"
}

// resolutionTexts tell how an incident ended.
var resolutionTexts = map[string]string{
	"recovered": "Recovered",
	"edited":    "Resolved by an edit",
	"paused":    "Resolved by a pause",
	"deleted":   "Resolved by deletion",
}

func (p IncidentPage) resolution() string {
	if w, ok := resolutionTexts[p.Resolution]; ok {
		return w
	}
	return "Resolved"
}

// IncidentHeroID is the id of the part that the live stream swaps.
func IncidentHeroID(id string) string { return IncidentRowID(id) + "-hero" }

func (p IncidentPage) resolved() bool { return p.State == "resolved" }
func (p IncidentPage) open() bool     { return p.State == "open" }

func (p IncidentPage) path(action string) templ.SafeURL {
	return templ.SafeURL(IncidentPath(p.ID) + action)
}

// deadlineBar is the deadline that was missed; other causes have none.
func (p IncidentPage) deadlineBar() Deadline {
	h := p.Heartbeat
	d := WatchedDeadline(p.Clock, h.LastPing, h.Due, h.Alert)
	if h.Interval > 0 { // a calendar takes more words than there is room for
		d.Marks[1].Note = h.Schedule
	}
	d.Marks[2] = DeadlineMark{Label: "Opened", At: p.Opened, Note: "grace " + ExactDuration(h.Grace)}
	return d
}

// hasDeadlineBar tells whether a deadline was missed that can be drawn.
func (p IncidentPage) hasDeadlineBar() bool {
	h := p.Heartbeat
	return p.Cause == "missed" && !h.LastPing.IsZero() && !h.Due.IsZero()
}

func (p IncidentPage) acknowledgement() string {
	if p.Acknowledged.IsZero() {
		return "Nobody has acknowledged it yet"
	}
	return "Acknowledged by " + p.AcknowledgedBy + " after " + Elapsed(p.Acknowledged.Sub(p.Opened))
}

// acknowledgedAfter is the same as a figure, for an incident that is over.
func (p IncidentPage) acknowledgedAfter() string {
	if p.Acknowledged.IsZero() {
		return "nobody"
	}
	return "after " + Elapsed(p.Acknowledged.Sub(p.Opened)) + ", " + p.AcknowledgedBy
}

// firstAlert says how long it took until someone was told, the figure by which
// Overdue itself is judged.
func (p IncidentPage) firstAlert(before, after string) string {
	if p.FirstAlert == 0 {
		return "none yet"
	}
	return before + Latency(p.FirstAlert) + after
}

// deliverySummary counts: "6 delivered, 1 retrying"; "6 of 6 delivered" when over.
func (p IncidentPage) deliverySummary() string {
	t := AlertCounts{}
	for _, d := range p.Deliveries {
		switch d.State {
		case "sent":
			t.Delivered++
		case "failed":
			t.Failed++
		default:
			t.Pending++
		}
	}
	if t.allDelivered() {
		return t.text()
	}
	words := []string{Count(t.Delivered) + " delivered"}
	if t.Pending > 0 {
		words = append(words, Count(t.Pending)+" retrying")
	}
	if t.Failed > 0 {
		words = append(words, Count(t.Failed)+" failed")
	}
	return strings.Join(words, ", ")
}

// noDeliveries says why there are none: no channel existed to be told, or the
// heartbeat tells none of those that did. Channels that came later hear only of
// what opens later.
func (p IncidentPage) noDeliveries() string {
	switch {
	case p.FirstChannelAt.IsZero():
		return "There is no channel to notify."
	case p.FirstChannelAt.After(p.Detected):
		return "There was no channel to tell when it opened. Channels added later hear only of the next incident."
	}
	return "No channel receives alerts for this heartbeat."
}

// timelineDay names the day once, and the zone; entries of another day say so.
func (p IncidentPage) timelineDay() string {
	return p.FullDate(p.Opened) + ", " + p.ZoneName()
}

// otherDay is the date of an entry that is not of the day in the heading.
func (p IncidentPage) otherDay(e TimelineEntry) string {
	if p.Date(e.At) == p.Date(p.Opened) {
		return ""
	}
	return p.local(e.At).Format("Mon 2 Jan")
}

// entryAttrs colour an entry; the line to what is still awaited is dashed.
func (p IncidentPage) entryAttrs(i int) templ.Attributes {
	a := templ.Attributes{}
	if t := p.Timeline[i].Tone; t != "" {
		a["data-status"] = t
	}
	if p.WaitingFor != "" && i == len(p.Timeline)-1 {
		a["class"] = "before-waiting"
	}
	return a
}

// printedText tells on paper when and from where the page was taken.
func (p IncidentPage) printedText() string {
	return "Printed " + p.FullDate(p.Now) + ", " + p.Minute(p.Now) + " from " + p.PrintURL
}

// detectionDelay is told only when it was later than a person would expect: the
// incident is dated at its deadline, whenever Overdue could look.
func (p IncidentPage) detectionDelay() string {
	if late := p.Detected.Sub(p.Opened); !p.Detected.IsZero() && late >= 5*time.Second {
		return RunTime(late) + " after opening"
	}
	return ""
}

// text name the incident in a link: "#475, missed ping".
func (s RelatedIncident) text() string {
	return "#" + itoa(s.Number) + ", " + strings.ToLower(Cause(s.Cause))
}
