package ui

// Pager leads from page to page of a list. Pages are found by a key, not by a
// number, so there is a next and a previous and nothing else.
type Pager struct {
	First, Last, Total int    // rows shown, counted from 1; Total below 0 is unknown
	Prev, Next         string // addresses; empty at either end
}

func (p Pager) Shows() string { return Range(p.First, p.Last, p.Total) }

func (p Pager) needed() bool { return p.Prev != "" || p.Next != "" }
