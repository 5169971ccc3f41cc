package incidentview

import (
	"time"

	"github.com/a-h/templ"
)

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

// timelineDay names the day once, and the zone; entries of another day say so.
func (p DetailPage) timelineDay() string {
	return p.FullDate(p.Opened) + ", " + p.ZoneName()
}

// otherDay is the date of an entry that is not of the day in the heading.
func (p DetailPage) otherDay(e TimelineEntry) string {
	if p.Date(e.At) == p.Date(p.Opened) {
		return ""
	}
	return p.InZone(e.At).Format("Mon 2 Jan")
}

// entryAttrs colour an entry; the line to what is still awaited is dashed.
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
