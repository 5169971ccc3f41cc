package incidentview

import (
	"strings"

	"overdue/internal/web/view/ui"
)

// deliverySummary counts: "6 delivered, 1 retrying"; "6 of 6 delivered" when over.
func (p DetailPage) deliverySummary() string {
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
	words := []string{ui.Count(t.Delivered) + " delivered"}
	if t.Pending > 0 {
		words = append(words, ui.Count(t.Pending)+" retrying")
	}
	if t.Failed > 0 {
		words = append(words, ui.Count(t.Failed)+" failed")
	}
	return strings.Join(words, ", ")
}

// noDeliveries says why there are none: no channel existed to be told, or the
// heartbeat tells none of those that did. Channels that came later hear only of
// what opens later.
func (p DetailPage) noDeliveries() string {
	switch {
	case p.FirstChannelAt.IsZero():
		return "There is no channel to notify."
	case p.FirstChannelAt.After(p.Detected):
		return "There was no channel to tell when it opened. Channels added later hear only of the next incident."
	}
	return "No channel receives alerts for this heartbeat."
}
