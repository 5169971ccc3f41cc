package monitor

import (
	"testing"
	"time"
)

func TestIncident_StateFollowsItsTimes(t *testing.T) {
	for want, i := range map[IncidentState]Incident{
		StateOpen:         {OpenedAt: epoch},
		StateAcknowledged: {OpenedAt: epoch, AcknowledgedAt: epoch.Add(1)},
		StateResolved:     {OpenedAt: epoch, AcknowledgedAt: epoch.Add(1), ResolvedAt: epoch.Add(2)},
	} {
		if got := i.State(); got != want {
			t.Errorf("%+v is %s; want %s", i, got, want)
		}
	}
}

func TestIncident_DurationEndsWithTheResolution(t *testing.T) {
	open := Incident{OpenedAt: epoch}
	over := Incident{OpenedAt: epoch, ResolvedAt: epoch.Add(minutes(3))}
	backwards := Incident{OpenedAt: epoch, ResolvedAt: epoch.Add(-minutes(1))}
	for _, row := range []struct {
		name string
		i    Incident
		want time.Duration
	}{
		{"OpenUntilNow", open, minutes(10)},
		{"ResolvedUntilThen", over, minutes(3)},
		{"NeverLessThanNothing", backwards, 0},
	} {
		if got := row.i.Duration(epoch.Add(minutes(10))); got != row.want {
			t.Errorf("%s: %v; want %v", row.name, got, row.want)
		}
	}
}
