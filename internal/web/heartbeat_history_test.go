package web

import (
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view/paths"
)

func TestShowHeartbeat_CountsAFirstRunThatOverran(t *testing.T) {
	onEach(t, func(w *fixture) {
		name, most := "First "+hostileName, "5m"
		h, err := w.service.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("1h"), MaxRunTime: &most})
		if err != nil {
			w.Fatal(err)
		}
		w.ping(h, 4*time.Minute, monitor.Ping{Kind: monitor.PingStart})
		w.expectHTML(w.get("member", paths.Heartbeats), 200, "Waiting for the first run to finish", "Running for")
		w.expectHTML(w.get("member", paths.Heartbeat(h.ID)), 200, "Waiting for the first run to finish")
		w.ping(h, 2*time.Minute, monitor.Ping{Kind: monitor.PingLog}) // says nothing about the run
		name = "Silent"
		if h, err = w.service.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("1h"), MaxRunTime: &most}); err != nil {
			w.Fatal(err)
		}
		w.ping(h, 20*time.Minute, monitor.Ping{Kind: monitor.PingStart})
		w.evaluate()
		list := w.get("member", paths.Heartbeats)
		w.expectHTML(list, 200, "The only expected run: failed", "last start ")
		w.expectNone(list, "no ping yet")
		page := w.get("member", paths.Heartbeat(h.ID))
		w.expectHTML(page, 200, `href="#m-overran"`)
	})
}

func TestShowHeartbeat_ShowsNoMissWithinGrace(t *testing.T) {
	onEach(t, func(w *fixture) {
		name, grace := "Loop", "2h"
		h, err := w.service.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("40s"), Grace: &grace})
		if err != nil {
			w.Fatal(err)
		}
		w.ping(h, 20*time.Minute, monitor.Ping{})
		w.evaluate()
		list := w.get("member", paths.Heartbeats)
		w.expectHTML(list, 200, "The only expected run: on time", "s-open", `data-status="late"`)
		page := w.get("member", paths.Heartbeat(h.ID))
		w.expectHTML(page, 200, "1 due, within grace")
		w.expectNone(page, "missed,", " missed\"")
		runs, up, err := w.service.Runs(w.Context(), w.actor("member"), h.ID, manage.RunQuery{})
		if err != nil || len(runs.Items) != 1 || up != (manage.Uptime{Expected: 1, Good: 1}) {
			w.Errorf("runs %+v, uptime %+v, %v; want one good run", runs.Items, up, err)
		}
	})
}
