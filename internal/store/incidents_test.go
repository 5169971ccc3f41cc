package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestIncidents_ListsPagesNewestFirst(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		a, b := w.newSavedHeartbeat("a"), w.newSavedHeartbeat("b")
		for n := range 4 {
			d := time.Duration(n) * time.Hour
			w.applyPings(a, w.ping(monitor.PingFail, d), w.ping(monitor.PingSuccess, d+time.Minute))
			w.applyPings(b, w.ping(monitor.PingFail, d), w.ping(monitor.PingSuccess, d+time.Minute))
		}
		acknowledged, open := w.fail(a, 10*time.Hour), w.fail(b, 10*time.Hour) // 9 and 10
		w.update(func(tx *store.Tx) error {
			_, err := tx.AcknowledgeIncident(acknowledged, "Ann", w.at(11*time.Hour))
			return err
		})
		main := w.project
		w.project = w.addProject("other")
		w.fail(w.newSavedHeartbeat("c"), time.Minute)
		for _, c := range []struct {
			filter store.IncidentFilter
			want   []int64
		}{
			{store.IncidentFilter{Limit: 4}, []int64{10, 9, 8, 7}},
			{store.IncidentFilter{Limit: 4, From: 7}, []int64{6, 5, 4, 3}},
			{store.IncidentFilter{Limit: 4, From: 3}, []int64{2, 1}},
			{store.IncidentFilter{Limit: 4, From: 1}, nil},
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key}, []int64{9, 7, 5, 3, 1}},
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key, From: 5}, []int64{3, 1}},
			{store.IncidentFilter{Limit: 9, State: monitor.StateOpen}, []int64{10}},
			{store.IncidentFilter{Limit: 9, State: monitor.StateAcknowledged}, []int64{9}},
			{store.IncidentFilter{Limit: 3, State: monitor.StateResolved}, []int64{8, 7, 6}},
			{store.IncidentFilter{Limit: 3, State: monitor.StateResolved, Heartbeat: b.Key, From: 6}, []int64{4, 2}},
		} {
			c.filter.Project = main.Key
			var numbers []int64
			for _, i := range view(w, func(tx *store.Tx) ([]monitor.Incident, error) { return tx.Incidents(c.filter) }) {
				numbers = append(numbers, i.Number)
			}
			if diff := cmp.Diff(c.want, numbers); diff != "" {
				w.Errorf("%+v (-want +got):\n%s", c.filter, diff)
			}
		}
		if n := view(w, (*store.Tx).CountOpenIncidents); n != 3 {
			w.Errorf("%d incidents are open; want 3, in all projects", n)
		}
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Incident(w.project.Key, open.ID); return err }), monitor.NotFound)
	})
}

func TestAcknowledgeIncident_WorksOnceWhileTheIncidentIsOpen(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.addChannel(c)
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		later := w.addChannel(w.newChannel("later")) // it got no alert of the incident
		acknowledge := func(by string, d time.Duration) bool {
			return updateValue(w, func(tx *store.Tx) (bool, error) { return tx.AcknowledgeIncident(i, by, w.at(d)) })
		}
		if !acknowledge("Ann", 2*time.Minute) {
			w.Error("the first acknowledgement was rejected")
		}
		if acknowledge("Bob", 3*time.Minute) {
			w.Error("it was acknowledged twice")
		}
		got := view(w, func(tx *store.Tx) (monitor.Incident, error) { return tx.Incident(h.Project, i.ID) })
		if got.State() != monitor.StateAcknowledged || got.AcknowledgedBy != "Ann" || !got.AcknowledgedAt.Equal(w.at(2*time.Minute)) {
			w.Errorf("it is %s by %q at %s; want acknowledged by Ann", got.State(), got.AcknowledgedBy, got.AcknowledgedAt)
		}
		want := []string{"incident.opened ops pending", "incident.acknowledged ops pending"}
		if diff := cmp.Diff(want, w.alerts(i.ID, ops, later)); diff != "" {
			w.Errorf("alerts; want no reminder (-want +got):\n%s", diff)
		}
		if about := w.deliveries(i.ID)[1].Subject; about != "Ann" {
			w.Errorf("the subject of the alert is %q; want the name of the person", about)
		}
		w.applyPings(h, w.ping(monitor.PingSuccess, time.Hour))
		if diff := cmp.Diff([]string{"opened", "acknowledged", "recovered"}, w.timeline(i.ID)); diff != "" {
			w.Errorf("timeline (-want +got):\n%s", diff)
		}
		i = w.fail(h, 2*time.Hour)
		w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Hour))
		if acknowledge("Ann", 4*time.Hour) {
			w.Error("a resolved incident was acknowledged")
		}
	})
}

func TestTimeline_IsInChronologicalOrder(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, 0))
		w.evaluate(time.Hour)
		i := w.incident(h)
		w.update(func(tx *store.Tx) error {
			for n := range 5 { // at the same time: in the order of insertion
				if err := tx.AddTimelineEntry(i.ID, "note", fmt.Sprint("note ", n), w.at(2*time.Hour)); err != nil {
					return err
				}
			}
			return tx.AddTimelineEntry(i.ID, "note", `"early" %_\`, w.at(6*time.Minute))
		})
		want := []monitor.TimelineEntry{
			{At: w.at(5 * time.Minute), Kind: "due", Text: "A ping was expected by now."},
			{At: w.at(5 * time.Minute), Kind: "late", Text: "Late: the grace period began."},
			{At: w.at(6 * time.Minute), Kind: "note", Text: `"early" %_\`},
			{At: w.at(7 * time.Minute), Kind: "opened", Text: i.Reason},
		}
		for n := range 5 {
			want = append(want, monitor.TimelineEntry{At: w.at(2 * time.Hour), Kind: "note", Text: fmt.Sprint("note ", n)})
		}
		if diff := cmp.Diff(want, view(w, func(tx *store.Tx) ([]monitor.TimelineEntry, error) { return tx.Timeline(i) })); diff != "" {
			w.Errorf("timeline (-want +got):\n%s", diff)
		}
	})
}

func TestDeliveries_ListsAlertsInTheOrderOfCreation(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		w.update(func(tx *store.Tx) error { _, err := tx.AcknowledgeIncident(i, "Ann", w.at(2*time.Minute)); return err })
		w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Minute))
		var got []monitor.Event
		for _, d := range w.deliveries(i.ID) {
			got = append(got, d.Event)
		}
		want := []monitor.Event{monitor.IncidentOpened, monitor.IncidentAcknowledged, monitor.IncidentResolved}
		if !slices.Equal(got, want) {
			w.Errorf("deliveries %v; want %v", got, want)
		}
		if none := w.claimAlerts(ops, "a", 0, time.Hour, 10); none != nil {
			w.Errorf("claimed %v before anything was pending", eventsOf(none))
		}
	})
}
