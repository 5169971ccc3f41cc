package monitor

import (
	"testing"
	"time"
)

// The preview shows what Evaluate does later.
func TestRuleSchedule_AgreesWithEvaluate(t *testing.T) {
	calendar, err := NewCalendar(Cron, []string{"30 2 * * *"}, "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2027, 3, 26, 12, 0, 0, 0, time.UTC)
	for _, r := range []Rule{
		{Calendar: calendar, Early: DefaultEarly, Grace: time.Hour, StartGrace: 10 * time.Minute, AlertAfter: 3, Methods: AnyMethod},
		{Calendar: calendar, Early: 0, Grace: time.Minute, StartGrace: time.Hour, Methods: AnyMethod},
		{Interval: time.Hour, Early: DefaultEarly, Grace: time.Hour, StartGrace: 10 * time.Minute, AlertAfter: 2, Methods: AnyMethod},
	} {
		h, _ := Heartbeat{Status: New, Rule: r, Created: at.Add(-time.Hour)}.ApplyPing(Ping{Kind: PingSuccess, At: at, ExitCode: NoExitCode}, at)
		slot, _ := r.Schedule().Next(at)
		if !slot.Equal(h.Due()) || !r.AlertingSlot(slot).Add(r.Grace).Equal(h.Deadline()) || !r.StartDeadline(slot).Equal(h.StartDeadline()) {
			t.Errorf("%s: due %s, deadline %s, start by %s; shown %s, %s, %s",
				r.Describe(), h.Due(), h.Deadline(), h.StartDeadline(), slot, r.AlertingSlot(slot).Add(r.Grace), r.StartDeadline(slot))
		}
		window := r.EarlyWindow(slot)
		early, _ := h.ApplyPing(Ping{Kind: PingSuccess, At: slot.Add(-window), ExitCode: NoExitCode}, slot)
		if counts := !early.EarlySlot.IsZero(); counts != (window > 0) {
			t.Errorf("%s: a ping %s early counts for the slot: %t", r.Describe(), window, counts)
		}
		if before, _ := h.ApplyPing(Ping{Kind: PingSuccess, At: slot.Add(-window - Precision), ExitCode: NoExitCode}, slot); !before.EarlySlot.IsZero() {
			t.Errorf("%s: a ping before the early window counts for the slot", r.Describe())
		}
	}
}
