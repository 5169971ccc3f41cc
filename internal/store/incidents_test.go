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

func TestIncidentsAreListedNewestFirstPageByPage(t *testing.T) {
	onEach(t, func(w *world) {
		a, b := w.heartbeat("a"), w.heartbeat("b")
		for n := range 4 {
			d := time.Duration(n) * time.Hour
			w.hear(a, w.ping(monitor.Fail, d), w.ping(monitor.Success, d+time.Minute))
			w.hear(b, w.ping(monitor.Fail, d), w.ping(monitor.Success, d+time.Minute))
		}
		acknowledged, open := w.down(a, 10*time.Hour), w.down(b, 10*time.Hour) // 9 and 10
		w.update(func(tx *store.Tx) error {
			_, err := tx.Acknowledge(acknowledged, "Ann", w.at(11*time.Hour))
			return err
		})
		main := w.project
		w.project = w.addProject("other")
		w.down(w.heartbeat("c"), time.Minute)
		for _, c := range []struct {
			filter store.IncidentFilter
			want   []int64
		}{
			{store.IncidentFilter{Limit: 4}, []int64{10, 9, 8, 7}},
			{store.IncidentFilter{Limit: 4, Before: 7}, []int64{6, 5, 4, 3}},
			{store.IncidentFilter{Limit: 4, Before: 3}, []int64{2, 1}},
			{store.IncidentFilter{Limit: 4, Before: 1}, nil},
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key}, []int64{9, 7, 5, 3, 1}},
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key, Before: 5}, []int64{3, 1}},
			{store.IncidentFilter{Limit: 9, State: monitor.Open}, []int64{10}},
			{store.IncidentFilter{Limit: 9, State: monitor.Acknowledged}, []int64{9}},
			{store.IncidentFilter{Limit: 3, State: monitor.Resolved}, []int64{8, 7, 6}},
			{store.IncidentFilter{Limit: 3, State: monitor.Resolved, Heartbeat: b.Key, Before: 6}, []int64{4, 2}},
		} {
			c.filter.Project = main.Key
			var numbers []int64
			for _, i := range seen(w, func(tx *store.Tx) ([]monitor.Incident, error) { return tx.Incidents(c.filter) }) {
				numbers = append(numbers, i.Number)
			}
			if diff := cmp.Diff(c.want, numbers); diff != "" {
				w.Errorf("%+v (-want +got):\n%s", c.filter, diff)
			}
		}
		if n := seen(w, (*store.Tx).OpenIncidents); n != 3 {
			w.Errorf("%d incidents are open; want 3, in all projects", n)
		}
		w.wrong(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Incident(w.project.Key, open.ID); return err }), monitor.Missing)
	})
}

func TestAnIncidentIsAcknowledgedOnceAndOnlyWhileOpen(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.channel(c)
		h := w.heartbeat("backup")
		i := w.down(h, time.Minute)
		later := w.channel(w.newChannel("later")) // was not told of it
		acknowledge := func(by string, d time.Duration) bool {
			return made(w, func(tx *store.Tx) (bool, error) { return tx.Acknowledge(i, by, w.at(d)) })
		}
		if !acknowledge("Ann", 2*time.Minute) {
			w.Error("the first to acknowledge was told that somebody had")
		}
		if acknowledge("Bob", 3*time.Minute) {
			w.Error("it was acknowledged twice")
		}
		got := seen(w, func(tx *store.Tx) (monitor.Incident, error) { return tx.Incident(h.Project, i.ID) })
		if got.State() != monitor.Acknowledged || got.AcknowledgedBy != "Ann" || !got.AcknowledgedAt.Equal(w.at(2*time.Minute)) {
			w.Errorf("it is %s by %q at %s; want acknowledged by Ann", got.State(), got.AcknowledgedBy, got.AcknowledgedAt)
		}
		want := []string{"incident.opened ops pending", "incident.acknowledged ops pending"}
		if diff := cmp.Diff(want, w.alerts(i.ID, ops, later)); diff != "" {
			w.Errorf("alerts; the reminder is dropped (-want +got):\n%s", diff)
		}
		if about := w.deliveries(i.ID)[1].About; about != "Ann" {
			w.Errorf("the alert is about %q; want who acknowledged", about)
		}
		w.hear(h, w.ping(monitor.Success, time.Hour))
		if diff := cmp.Diff([]string{"opened", "acknowledged", "recovered"}, w.timeline(i.ID)); diff != "" {
			w.Errorf("timeline (-want +got):\n%s", diff)
		}
		i = w.down(h, 2*time.Hour)
		w.hear(h, w.ping(monitor.Success, 3*time.Hour))
		if acknowledge("Ann", 4*time.Hour) {
			w.Error("a resolved incident was acknowledged")
		}
	})
}

func TestATimelineIsInTheOrderOfWhatHappened(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, w.ping(monitor.Success, 0))
		w.lapse(time.Hour)
		i := w.incident(h)
		w.update(func(tx *store.Tx) error {
			for n := range 5 { // at the same moment: as they were added
				if err := tx.Note(i.ID, "note", fmt.Sprint("note ", n), w.at(2*time.Hour)); err != nil {
					return err
				}
			}
			return tx.Note(i.ID, "note", `"early" %_\`, w.at(6*time.Minute))
		})
		want := []monitor.Entry{
			{At: w.at(5 * time.Minute), Kind: "due", Text: "A ping was expected by now."},
			{At: w.at(5 * time.Minute), Kind: "late", Text: "Late: the grace period began."},
			{At: w.at(6 * time.Minute), Kind: "note", Text: `"early" %_\`},
			{At: w.at(7 * time.Minute), Kind: "opened", Text: i.Because},
		}
		for n := range 5 {
			want = append(want, monitor.Entry{At: w.at(2 * time.Hour), Kind: "note", Text: fmt.Sprint("note ", n)})
		}
		if diff := cmp.Diff(want, seen(w, func(tx *store.Tx) ([]monitor.Entry, error) { return tx.Timeline(i) })); diff != "" {
			w.Errorf("timeline (-want +got):\n%s", diff)
		}
	})
}

func TestDeliveriesListAlertsInTheOrderTheyBecameOwed(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		h := w.heartbeat("backup")
		i := w.down(h, time.Minute)
		w.update(func(tx *store.Tx) error { _, err := tx.Acknowledge(i, "Ann", w.at(2*time.Minute)); return err })
		w.hear(h, w.ping(monitor.Success, 3*time.Minute))
		var got []monitor.Event
		for _, d := range w.deliveries(i.ID) {
			got = append(got, d.Event)
		}
		want := []monitor.Event{monitor.IncidentOpened, monitor.IncidentAcknowledged, monitor.IncidentResolved}
		if !slices.Equal(got, want) {
			w.Errorf("deliveries %v; want %v", got, want)
		}
		if none := w.claim(ops, "a", 0, time.Hour, 10); none != nil {
			w.Errorf("claimed %v before anything was owed", events(none))
		}
	})
}
