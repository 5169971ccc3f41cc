package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/monitor"
)

func TestHeartbeat_ShowsThatItFlapsUnlessAllAlertsAreSent(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *fixture) {
		c := w.client("read-write")
		h := w.heartbeat("Backup")
		begin := time.Now().UTC().Truncate(time.Microsecond).Add(-time.Minute)
		w.ping(h, monitor.Ping{Kind: monitor.PingSuccess, At: begin})
		for n := range 7 {
			kind := monitor.PingFail
			if n%2 == 1 {
				kind = monitor.PingSuccess
			}
			got, err := c.Heartbeat(t.Context(), h.Ref)
			if err != nil || got.FlappingSince != nil || got.FlappingUntil != nil {
				t.Fatalf("after %d changes: flapping since %v until %v, %v", n, got.FlappingSince, got.FlappingUntil, err)
			}
			w.ping(h, monitor.Ping{Kind: kind, At: begin.Add(time.Duration(n+1) * time.Second)})
		}
		last := begin.Add(7 * time.Second)
		got, err := c.Heartbeat(t.Context(), h.Ref)
		if err != nil || got.FlappingSince == nil || !got.FlappingSince.Equal(last) || got.FlappingUntil == nil || !got.FlappingUntil.Equal(last.Add(30*time.Minute)) {
			t.Fatalf("flapping since %v until %v, %v; want %v", got.FlappingSince, got.FlappingUntil, err, last)
		}
		why, err := c.ExplainHeartbeat(t.Context(), h.Ref)
		if err != nil || !strings.Contains(why.Decision, "the heartbeat flaps: 7 changes since") {
			t.Errorf("why: %q, %v", why.Decision, err)
		}
		if got, err = c.ChangeHeartbeat(t.Context(), h.Ref, client.HeartbeatSettings{FlappingAlerts: new("send")}); err != nil || got.FlappingAlerts != "send" || got.FlappingSince != nil {
			t.Errorf("%s, flapping since %v, %v", got.FlappingAlerts, got.FlappingSince, err)
		}
		if _, err := c.ChangeHeartbeat(t.Context(), h.Ref, client.HeartbeatSettings{FlappingAlerts: new("never")}); problemStatus(err) != http.StatusUnprocessableEntity {
			t.Errorf("%v; want 422", err)
		}
	})
}
