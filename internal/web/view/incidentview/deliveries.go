package incidentview

import (
	"strings"

	"overdue/internal/web/view/ui"
)

// deliverySummary returns the counts: "6 delivered, 1 retrying", or "6 of 6
// delivered" if all are.
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

// noDeliveries describes why there are none: there was no channel, or the heartbeat
// uses none. A channel receives no alerts about incidents that opened before it
// was added.
func (p DetailPage) noDeliveries() string {
	switch {
	case p.FirstChannelAt.IsZero():
		return "The project has no channel."
	case p.FirstChannelAt.After(p.Detected):
		return "The project had no channel when the incident opened. A channel only receives alerts about later incidents."
	}
	return "This heartbeat has no channels."
}
