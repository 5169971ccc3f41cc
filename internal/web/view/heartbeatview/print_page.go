package heartbeatview

import (
	"fmt"
	"strings"

	"overdue/internal/web/view/layout"
	"overdue/internal/web/view/ui"
)

// PrintPage has all matching heartbeats on one page, for printing.
type PrintPage struct {
	layout.Shell
	Filter   Filter
	Rows     []Row
	Total    int    // number of matching heartbeats; Rows may have fewer
	Address  string // full address of the page; the print names it
	ListPath string // address of the list with the same filters
}

// summary is the number of heartbeats and the filters: "13 matching heartbeats: Down,
// tag billing".
func (p PrintPage) summary() string {
	count := ui.Count(p.Total) + " "
	if p.Filter.isSet() {
		count += "matching "
	}
	count += ui.If(p.Total == 1, "heartbeat", "heartbeats")
	if words := p.Filter.words(); len(words) > 0 {
		return count + ": " + strings.Join(words, ", ")
	}
	return count
}

// cutText says that rows are missing. It is empty if all are on the page.
func (p PrintPage) cutText() string {
	if len(p.Rows) >= p.Total {
		return ""
	}
	return fmt.Sprintf("This page has the first %s of %s heartbeats. To print the others, filter the list.", ui.Count(len(p.Rows)), ui.Count(p.Total))
}

// printedText describes when and from where the page was printed.
func (p PrintPage) printedText() string {
	return "Printed " + p.FullDate(p.Now) + ", " + p.Minute(p.Now) + " from " + p.Address
}

// words describes the filter, for print.
func (f Filter) words() []string {
	var words []string
	if f.Status != "" {
		words = append(words, ui.SignOf(f.Status).Text)
	}
	if f.Running {
		words = append(words, "running")
	}
	for _, tag := range f.Tags {
		words = append(words, "tag "+tag)
	}
	if f.Query != "" {
		words = append(words, "search “"+f.Query+"”")
	}
	return words
}
