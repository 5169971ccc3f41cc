package web

import (
	"testing"
	"time"

	"overdue/internal/manage"
	"overdue/internal/monitor"
	"overdue/internal/web/view"
)

func TestHeartbeatPages_ShowAFirstRunThatOverran(t *testing.T) {
	onEach(t, func(w *world) {
		name, most := "First "+hostile, "5m"
		h, err := w.desk.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("1h"), MaxRunTime: &most})
		if err != nil {
			w.Fatal(err)
		}
		w.hear(h, 4*time.Minute, monitor.Ping{Kind: monitor.Start})
		w.shows(w.get("member", view.HeartbeatsPath), 200, "Waiting for the first run to finish", "Running for")
		w.shows(w.get("member", view.HeartbeatPath(h.ID)), 200, "Waiting for the first run to finish")
		w.hear(h, 2*time.Minute, monitor.Ping{Kind: monitor.Log}) // says nothing about the run
		name = "Silent"
		if h, err = w.desk.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("1h"), MaxRunTime: &most}); err != nil {
			w.Fatal(err)
		}
		w.hear(h, 20*time.Minute, monitor.Ping{Kind: monitor.Start})
		w.lapse()
		list := w.get("member", view.HeartbeatsPath)
		w.shows(list, 200, "The only expected run: failed", "last start ")
		w.lacks(list, "no ping yet")
		page := w.get("member", view.HeartbeatPath(h.ID))
		w.shows(page, 200, `data-run="failed"`)
	})
}

func TestHeartbeatPages_ShowNoMissWithinGrace(t *testing.T) {
	onEach(t, func(w *world) {
		name, grace := "Loop", "2h"
		h, err := w.desk.CreateHeartbeat(w.Context(), w.actor("member"), manage.HeartbeatEdit{Name: &name, Interval: new("40s"), Grace: &grace})
		if err != nil {
			w.Fatal(err)
		}
		w.hear(h, 20*time.Minute, monitor.Ping{})
		w.lapse()
		list := w.get("member", view.HeartbeatsPath)
		w.shows(list, 200, "The only expected run: on time", "s-open", `data-status="late"`)
		page := w.get("member", view.HeartbeatPath(h.ID))
		w.shows(page, 200, "1 due, within grace")
		w.lacks(page, "missed,", " missed\"")
		runs, up, err := w.desk.Runs(w.Context(), w.actor("member"), h.ID, manage.RunQuery{})
		if err != nil || len(runs.Items) != 1 || up != (manage.Uptime{Expected: 1, Good: 1}) {
			w.Errorf("runs %+v, uptime %+v, %v; want one good run", runs.Items, up, err)
		}
	})
}
