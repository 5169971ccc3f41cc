package shape

import (
	"time"

	"overdue/client"
	"overdue/internal/schedule"
)

// Outlook is what a schedule means, with local times in the given zone.
func Outlook(o schedule.Outlook, local *time.Location) client.SchedulePreview {
	shown := client.SchedulePreview{
		Words: o.Words, Next: slots(o.Next, local), Previous: slots(o.Previous, local), ClockChanges: []client.ClockChange{},
	}
	if o.Zone != nil {
		shown.Timezone = text(o.Zone.String())
	}
	for _, c := range o.Changes {
		shown.ClockChanges = append(shown.ClockChanges, client.ClockChange{
			At: c.At, Timezone: c.Zone, Effect: effects[c.Effect], Text: c.Sentence(),
		})
	}
	return shown
}

// effects are the words of the contract.
var effects = [...]string{
	schedule.Shifted: "shifted", schedule.Skipped: "skipped", schedule.MadeUp: "made_up", schedule.Once: "once", schedule.Twice: "twice",
}

func slots(at []time.Time, local *time.Location) []client.Slot {
	all := make([]client.Slot, 0, len(at))
	for _, t := range at {
		all = append(all, client.Slot{At: t, Local: t.In(local).Format(time.RFC3339Nano)})
	}
	return all
}
