package monitor

import (
	"testing"
	"time"
)

func TestRetention_Texts(t *testing.T) {
	for want, got := range map[string]string{
		"The last 1,000 pings are kept, for up to 90 days.":        DefaultRetention.PingsText(),
		"Pings are deleted after 1 day.":                           Retention{Pings: day}.PingsText(),
		"The last 1,250,000 pings are kept.":                       Retention{PingsPerHeartbeat: 1_250_000}.PingsText(),
		"Incidents are deleted 400 days after they were resolved.": DefaultRetention.IncidentsText(),
		"Entries are deleted after 400 days.":                      DefaultRetention.AuditText(),
		"":                                                         Retention{}.PingsText() + Retention{}.IncidentsText() + Retention{}.AuditText(),
		"pings 90d, pings per heartbeat 1000, runs 400d, incidents 400d, audit 400d":        DefaultRetention.String(),
		"pings forever, pings per heartbeat 0, runs 1.5d, incidents forever, audit forever": Retention{Runs: 36 * time.Hour}.String(),
	} {
		if got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}
