package incidentview

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"overdue/internal/web/view/ui"
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

	Delivery bool            // an attempt to deliver an alert
	Folded   []TimelineEntry // deliveries that follow each other, under one title
}

// FoldDeliveries puts deliveries that follow each other under one entry: the table of
// deliveries has them all, and the timeline is about the incident.
func FoldDeliveries(all []TimelineEntry) []TimelineEntry {
	var folded []TimelineEntry
	for start := 0; start < len(all); {
		end := start
		for end < len(all) && all[end].Delivery {
			end++
		}
		if end-start < 2 {
			folded = append(folded, all[start])
			start++
			continue
		}
		folded = append(folded, foldedEntry(all[start:end]))
		start = end
	}
	return folded
}

// foldedEntry returns the entry that stands for several deliveries. It has the look of
// the worst.
func foldedEntry(group []TimelineEntry) TimelineEntry {
	e := TimelineEntry{At: group[0].At, Icon: "dl-ok", Tone: "delivered", Folded: group}
	counts := map[string]int{}
	for _, d := range group {
		counts[d.Tone]++
	}
	var parts []string
	if n := counts["delivered"]; n > 0 {
		parts = append(parts, ui.Count(n)+" delivered")
	}
	if n := counts["retrying"]; n > 0 {
		e.Icon, e.Tone = "dl-retry", "retrying"
		parts = append(parts, ui.Count(n)+" to be retried")
	}
	if n := counts["failed"]; n > 0 {
		e.Icon, e.Tone = "dl-fail", "failed"
		parts = append(parts, ui.Count(n)+" rejected")
	}
	e.Title = "Delivery attempts: " + strings.Join(parts, ", ")
	return e
}

// timelineDay returns the day of the timeline. Entries of another day show their own date.
func (p DetailPage) timelineDay() string { return p.FullDate(p.Opened) }

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
