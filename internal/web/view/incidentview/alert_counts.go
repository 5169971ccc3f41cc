package incidentview

import "overdue/internal/web/view/ui"

// AlertCounts counts the alerts of an incident by their state.
type AlertCounts struct {
	Delivered, Pending, Failed int
}

// text returns the counts: "6 of 7, 1 retrying", or "3 of 3 delivered".
func (t AlertCounts) text() string {
	total := t.Delivered + t.Pending + t.Failed
	if total == 0 {
		return "None"
	}
	words := ui.Count(t.Delivered) + " of " + ui.Count(total)
	if t.Pending+t.Failed == 0 {
		return words + " delivered"
	}
	if t.Pending > 0 {
		words += ", " + ui.Count(t.Pending) + " retrying"
	}
	if t.Failed > 0 {
		words += ", " + ui.Count(t.Failed) + " failed"
	}
	return words
}

// allDelivered reports whether no alert is pending or failed.
func (t AlertCounts) allDelivered() bool { return t.Pending+t.Failed == 0 }

// short returns the counts without states: "2 of 4".
func (t AlertCounts) short() string {
	total := t.Delivered + t.Pending + t.Failed
	if total == 0 {
		return "None"
	}
	return ui.Count(t.Delivered) + " of " + ui.Count(total)
}
