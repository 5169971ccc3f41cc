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
			{store.IncidentFilter{Limit: 2, Heartbeat: a.Key, From: 9}, []int64{7, 5}}, // 9 is not resolved
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key, From: 100}, []int64{9, 7, 5, 3, 1}},
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key, From: 5, Backwards: true}, []int64{9, 7}},
			{store.IncidentFilter{Limit: 1, Heartbeat: a.Key, From: 3, Backwards: true}, []int64{5}},
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key, From: 9, Backwards: true}, nil},
			{store.IncidentFilter{Limit: 9, Heartbeat: a.Key, From: 100, Backwards: true}, nil},
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

func TestAdjacentIncidents_AreTheOnesBeforeAndAfterOfTheSameHeartbeat(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		a, b := w.newSavedHeartbeat("a"), w.newSavedHeartbeat("b")
		var all []monitor.Incident
		for n := range 3 { // the last one of each heartbeat stays open
			d := time.Duration(n) * time.Hour
			w.applyPings(a, w.ping(monitor.PingSuccess, d))
			w.applyPings(b, w.ping(monitor.PingSuccess, d))
			all = append(all, w.fail(a, d+time.Minute))
			w.fail(b, d+time.Minute)
		}
		for n, i := range all {
			var want, got [2]int64
			if n > 0 {
				want[0] = all[n-1].Number
			}
			if n+1 < len(all) {
				want[1] = all[n+1].Number
			}
			before, after, err := w.adjacent(i)
			if got = [2]int64{before.Number, after.Number}; err != nil || got != want {
				w.Errorf("next to incident %d: %v, %v; want %v", i.Number, got, err, want)
			}
		}
	})
}

// adjacent returns the incidents of the same heartbeat before and after one.
func (w *fixture) adjacent(i monitor.Incident) (before, after monitor.Incident, err error) {
	err = w.db.View(context.Background(), func(tx *store.Tx) error {
		before, after, err = tx.AdjacentIncidents(i)
		return err
	})
	return before, after, err
}

// The statistics of a project find recent incidents by their numbers, which have almost the order of
// their times: an incident that is detected after a blackout opened long before.
func TestIncidentTimesSince_FindsRecentIncidentsBetweenOlderOnes(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		for n, opened := range []time.Duration{0, 30 * time.Hour, 20 * time.Hour, 40 * time.Hour} {
			w.applyPings(h, w.ping(monitor.PingSuccess, time.Duration(n)*10*time.Hour))
			i := w.fail(h, time.Duration(n)*10*time.Hour+time.Minute)
			if _, err := store.QueryWriter(w.db, fmt.Sprintf(`UPDATE incidents SET opened = %d, detected = %d WHERE id = '%s'`,
				w.at(opened).UnixMicro(), w.at(opened).UnixMicro(), i.ID)); err != nil {
				w.Fatal(err)
			}
		}
		times := view(w, func(tx *store.Tx) ([]store.IncidentTimes, error) {
			return tx.IncidentTimesSince(h.Project, w.at(25*time.Hour), 10)
		})
		var opened []time.Duration
		for _, i := range times {
			opened = append(opened, i.Opened.Sub(w.start))
		}
		if diff := cmp.Diff([]time.Duration{40 * time.Hour, 30 * time.Hour}, opened); diff != "" {
			w.Errorf("opened (-want +got):\n%s", diff)
		}
		counts := view(w, func(tx *store.Tx) (store.AlertCounts, error) { return tx.AlertCountsSince(h.Project, w.at(-time.Hour)) })
		if counts[monitor.AlertPending] != 7 { // three of them are resolved
			w.Errorf("alerts of all incidents: %v; want 7 pending", counts)
		}
		counts = view(w, func(tx *store.Tx) (store.AlertCounts, error) {
			return tx.AlertCountsSince(h.Project, w.at(35*time.Hour))
		})
		if counts[monitor.AlertPending] != 1 {
			w.Errorf("alerts of the newest incident: %v; want 1 pending", counts)
		}
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
