package monitor

import (
	"testing"
	"time"
)

// What is shown ahead of time must be what comes true.
func TestTheOutlookOfARuleIsWhatIsJudged(t *testing.T) {
	calendar, err := NewCalendar(Cron, []string{"30 2 * * *"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC)
	for _, r := range []Rule{
		{Calendar: calendar, Early: UsualEarly, Grace: time.Hour, StartGrace: 10 * time.Minute, AlertAfter: 3, Methods: AnyMethod},
		{Calendar: calendar, Early: 0, Grace: time.Minute, StartGrace: time.Hour, Methods: AnyMethod},
		{Interval: time.Hour, Early: UsualEarly, Grace: time.Hour, StartGrace: 10 * time.Minute, AlertAfter: 2, Methods: AnyMethod},
	} {
		h, _ := Heartbeat{Status: New, Rule: r, Created: at.Add(-time.Hour)}.Hear(Ping{Kind: Success, At: at, ExitCode: NoExitCode}, at)
		slot, _ := r.Schedule().Next(at)
		if !slot.Equal(h.Due()) || !r.LastChance(slot).Add(r.Grace).Equal(h.Deadline()) || !r.StartBy(slot).Equal(h.StartBy()) {
			t.Errorf("%s: due %s, deadline %s, start by %s; shown %s, %s, %s",
				r.Words(), h.Due(), h.Deadline(), h.StartBy(), slot, r.LastChance(slot).Add(r.Grace), r.StartBy(slot))
		}
		window := r.EarlyBefore(slot)
		early, _ := h.Hear(Ping{Kind: Success, At: slot.Add(-window), ExitCode: NoExitCode}, slot)
		if counts := !early.Slot.IsZero(); counts != (window > 0) {
			t.Errorf("%s: a ping %s early counts for the slot: %t", r.Words(), window, counts)
		}
		if before, _ := h.Hear(Ping{Kind: Success, At: slot.Add(-window - Tick), ExitCode: NoExitCode}, slot); !before.Slot.IsZero() {
			t.Errorf("%s: a ping before the early window counts for the slot", r.Words())
		}
	}
}
