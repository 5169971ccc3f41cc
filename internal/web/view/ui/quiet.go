package ui

// QuietMorning is the choice of the time until tomorrow morning, and QuietOpen that of no end.
const (
	QuietMorning = "morning"
	QuietOpen    = "open"
)

// SnoozeOptions are the durations of a snooze, and MuteOptions those of a mute.
var (
	SnoozeOptions = []Option{{Value: "30m", Label: "30 minutes"}, {Value: "2h", Label: "2 hours"}, {Value: QuietMorning, Label: "Until tomorrow 08:00"}}
	MuteOptions   = append(SnoozeOptions[:len(SnoozeOptions):len(SnoozeOptions)], Option{Value: QuietOpen, Label: "Until it is unmuted"})
)
