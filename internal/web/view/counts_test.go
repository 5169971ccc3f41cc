package view_test

import (
	"strings"
	"testing"

	"overdue/internal/web/view/heartbeatview"
)

// A busy heartbeat has more events and incidents than are stored or read: the page does
// not present what is left as the number of 30 days.
func TestDetail_CountsThatAreLimitedSaySo(t *testing.T) {
	p := exampleDetail()
	p.Log.Total, p.IncidentCount = 999, 199
	for _, want := range []string{"999 events in 30 days", ">199 in 30 days"} {
		if html := render(t, heartbeatview.Detail(p)); !strings.Contains(html, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	p.Log.Total, p.Log.KeptCount, p.IncidentCount, p.MoreIncidents = 1070, 1000, 200, true
	for _, want := range []string{"The newest 1,070 events", ">at least 200 in 30 days"} {
		if html := render(t, heartbeatview.Detail(p)); !strings.Contains(html, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}
