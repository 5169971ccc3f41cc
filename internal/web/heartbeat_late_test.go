package web

import (
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
)

// The time limit of a run that started before the deadline replaces the deadline: "down in
// 0s" would be wrong.
func TestShowHeartbeat_ALateRunIsDownAtItsTimeLimit(t *testing.T) {
	onEach(t, func(w *fixture) {
		name := "long"
		h, err := w.service.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{
			Name: &name, Interval: new("1h"), Grace: new("10m"), MaxRunTime: new("5h"),
		})
		if err != nil {
			w.Fatal(err)
		}
		w.ping(h, 3*time.Hour, monitor.Ping{})
		w.ping(h, 2*time.Hour, monitor.Ping{Kind: monitor.PingStart})
		w.evaluate()
		list := w.get("member", "/heartbeats")
		w.expectHTML(list, 200, "Late by", ", down in", "Running for", ">3h<")
		w.expectNone(list, ">0s<")
		a := w.get("member", "/heartbeats/"+h.ID)
		w.expectHTML(a, 200, "Down in", "Running for", "Start of the run", "+ maximum run time", "Started", "Limit")
		w.expectNone(a, ">+ grace<", "Last ping</span>")
	})
}
