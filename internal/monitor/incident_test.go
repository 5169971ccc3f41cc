package monitor

import (
	"testing"
	"time"
)

func TestTheStateOfAnIncident(t *testing.T) {
	for want, i := range map[State]Incident{
		Open:         {Opened: epoch},
		Acknowledged: {Opened: epoch, AcknowledgedAt: epoch.Add(1)},
		Resolved:     {Opened: epoch, AcknowledgedAt: epoch.Add(1), ResolvedAt: epoch.Add(2)},
	} {
		if got := i.State(); got != want {
			t.Errorf("%+v is %s; want %s", i, got, want)
		}
	}
}

func TestHowLongAnIncidentLasted(t *testing.T) {
	open := Incident{Opened: epoch}
	over := Incident{Opened: epoch, ResolvedAt: epoch.Add(minutes(3))}
	backwards := Incident{Opened: epoch, ResolvedAt: epoch.Add(-minutes(1))}
	for _, row := range []struct {
		name string
		i    Incident
		want time.Duration
	}{
		{"OpenUntilNow", open, minutes(10)},
		{"ResolvedUntilThen", over, minutes(3)},
		{"NeverLessThanNothing", backwards, 0},
	} {
		if got := row.i.Down(epoch.Add(minutes(10))); got != row.want {
			t.Errorf("%s: %v; want %v", row.name, got, row.want)
		}
	}
}
