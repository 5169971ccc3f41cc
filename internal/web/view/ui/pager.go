package ui

import "fmt"

// Pager links to the previous and the next page of a list.
type Pager struct {
	First, Last, Total int      // rows on the page, counted from 1; a Total of -1 is unknown, and a lower one means more than that many
	Prev, Next         string   // addresses; empty on the first and last page
	Size               int      // rows of a full page; 0: unknown, so the page has no number
	Sizes              []Option // other sizes: the label is the number of rows, the value the address
}

// page returns "Page 2 of 4", or "" if the number is unknown or there is one page.
func (p Pager) page() string {
	if p.Size <= 0 || p.Total <= p.Size {
		return ""
	}
	ceil := func(rows int) int { return (rows + p.Size - 1) / p.Size }
	return fmt.Sprintf("Page %s of %s", Count(ceil(p.First-1)+1), Count(max(ceil(p.Total), ceil(p.First-1)+1)))
}

func (p Pager) Shows() string { return Range(p.First, p.Last, p.Total) }

func (p Pager) needed() bool { return p.Prev != "" || p.Next != "" }
