package wire

import (
	"time"

	"overdue/client"
	"overdue/internal/schedule"
)

// SchedulePreview converts a preview, with local times in the given zone.
func SchedulePreview(o schedule.Preview, local *time.Location) client.SchedulePreview {
	shown := client.SchedulePreview{
		Words: o.Description, Next: toSlots(o.Next, local), Previous: toSlots(o.Previous, local), ClockChanges: []client.ClockChange{},
	}
	if o.Zone != nil {
		shown.Timezone = stringOrNil(o.Zone.String())
	}
	for _, c := range o.ClockChanges {
		shown.ClockChanges = append(shown.ClockChanges, client.ClockChange{
			At: c.At, Timezone: c.Zone, Effect: clockEffects[c.Effect], Text: c.Describe(),
		})
	}
	return shown
}

// clockEffects are the values of the contract.
var clockEffects = [...]string{
	schedule.EffectShifted: "shifted", schedule.EffectSkipped: "skipped", schedule.EffectMadeUp: "made_up", schedule.EffectOnce: "once", schedule.EffectTwice: "twice",
}

func toSlots(at []time.Time, local *time.Location) []client.Slot {
	all := make([]client.Slot, 0, len(at))
	for _, t := range at {
		all = append(all, client.Slot{At: t, Local: t.In(local).Format(time.RFC3339Nano)})
	}
	return all
}
