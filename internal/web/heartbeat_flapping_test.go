package web

import (
	"testing"
	"time"

	"overdue/internal/monitor"
)

func TestHeartbeatPage_ShowsThatItFlaps(t *testing.T) {
	onEach(t, func(w *fixture) {
		h := w.createHeartbeat("backup")
		for n := range 7 {
			kind := monitor.PingFail
			if n%2 == 1 {
				kind = monitor.PingSuccess
			}
			w.expectNone(w.get("viewer", "/heartbeats"), "Flapping, alerts wait until")
			w.ping(h, time.Duration(10-n)*time.Second, monitor.Ping{Kind: kind})
		}
		w.expectHTML(w.get("viewer", "/heartbeats"), 200, "Flapping, alerts wait until")
		w.expectHTML(w.get("member", "/heartbeats/"+h.ID), 200, "Flapping, alerts wait until")
		w.expectHTML(w.get("viewer", "/incidents/"+w.newestIncident(h).ID), 200, "The heartbeat flaps: 7 changes in 30 min.")
	})
}
