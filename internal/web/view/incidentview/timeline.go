package incidentview

import (
	"time"

	"github.com/a-h/templ"
)

// TimelineEntry is one line of the timeline.
type TimelineEntry struct {
	At     time.Time
	Icon   string // icon: k-ping, st-late, st-down, dl-ok …
	Tone   string // colour, as in data-status; empty for the text colour
	Title  string
	Status string // status at the end of the title, in its colour: "Down"
	Text   string
	Code   string // monospaced, after the text: an address, a response
	Quote  string // text written by a person
	Output bool   // Quote is the output of a program
}

// timelineDay returns the day and the zone of the timeline. Entries of another day
// show their own date.
func (p DetailPage) timelineDay() string {
	return p.FullDate(p.Opened) + ", " + p.ZoneName()
}

// otherDay returns the date of an entry if it differs from the day of the heading.
func (p DetailPage) otherDay(e TimelineEntry) string {
	if p.Date(e.At) == p.Date(p.Opened) {
		return ""
	}
	return p.InZone(e.At).Format("Mon 2 Jan")
}

// entryAttrs returns the colour of an entry, and the class of the last entry before
// the expected event.
func (p DetailPage) entryAttrs(i int) templ.Attributes {
	a := templ.Attributes{}
	if t := p.Timeline[i].Tone; t != "" {
		a["data-status"] = t
	}
	if p.WaitingFor != "" && i == len(p.Timeline)-1 {
		a["class"] = "before-waiting"
	}
	return a
}
