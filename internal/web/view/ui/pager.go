package ui

// Pager links to the previous and the next page of a list. Pages are found by a
// key, so there are no page numbers.
type Pager struct {
	First, Last, Total int    // rows on the page, counted from 1; a negative Total means unknown
	Prev, Next         string // addresses; empty on the first and last page
}

func (p Pager) Shows() string { return Range(p.First, p.Last, p.Total) }

func (p Pager) needed() bool { return p.Prev != "" || p.Next != "" }
