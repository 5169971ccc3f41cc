package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func (w *fixture) reloadChannel(c monitor.Channel) monitor.Channel {
	w.Helper()
	return view(w, func(tx *store.Tx) (monitor.Channel, error) { return tx.Channel(c.Project, c.ID) })
}

func TestSaveChannel_EveryFieldIsReadBack(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.Settings = map[string]any{"url": `https://example.com/?a="b"&c=%`, "retries": 3.0, "headers": map[string]any{"X-A": "é"}, "on": true}
		c.NotifyOnLate, c.RemindEvery = true, 90*time.Minute
		c = w.addChannel(c)
		if diff := cmp.Diff(c, w.reloadChannel(c)); diff != "" {
			w.Errorf("channel (-added +loaded):\n%s", diff)
		}
		c.Name, c.Settings, c.NotifyOnLate, c.NotifyOnRecovery, c.RemindEvery = "Ops", map[string]any{"url": "x"}, false, false, 0
		w.update(func(tx *store.Tx) error { return tx.SaveChannel(c) })
		c.Revision++ // counted where it is saved, so that no two edits have the same
		if diff := cmp.Diff(c, w.reloadChannel(c)); diff != "" {
			w.Errorf("channel (-saved +loaded):\n%s", diff)
		}
		other := w.addProject("other")
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Channel(other.Key, c.ID); return err }), monitor.NotFound)
	})
}

func TestChannels_ListsTheOldestFirst(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		late := w.newChannel("late")
		late.Created = w.at(time.Hour)
		late = w.addChannel(late)
		early := w.addChannel(w.newChannel("early"))
		main := w.project
		w.project = w.addProject("other")
		w.addChannel(w.newChannel("other"))
		list := view(w, func(tx *store.Tx) ([]monitor.Channel, error) { return tx.Channels(main.Key) })
		if diff := cmp.Diff([]monitor.Channel{early, late}, list); diff != "" {
			w.Errorf("channels (-want +got):\n%s", diff)
		}
	})
}

func TestDeleteChannel_EndsPendingAlertsAndKeepsTheHistory(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		held := w.claimAlerts(ops, "a", time.Minute, time.Hour, 1)[0]
		w.update(func(tx *store.Tx) error { return tx.DeleteChannel(ops, w.at(2*time.Minute)) })
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Channel(ops.Project, ops.ID); return err }), monitor.NotFound)
		if diff := cmp.Diff(map[string]time.Duration{"other": time.Minute}, w.pendingChannels(ops, other)); diff != "" {
			w.Errorf("pending (-want +got):\n%s", diff)
		}
		if newAlerts := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkSent(held.ID) }); newAlerts {
			w.Error("an alert of a deleted channel was still pending")
		}
		if newAlerts := w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Minute)); newAlerts != 1 {
			w.Errorf("%d new alerts after the deletion; want one, of the other channel", newAlerts)
		}
		if n := len(w.deliveries(i.ID)); n != 3 {
			w.Errorf("%d alerts in the incident's history; want both openings and one recovery", n)
		}
	})
}

func TestAcknowledgeIncident_NotifiesNoDeletedChannel(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		w.update(func(tx *store.Tx) error {
			if err := tx.DeleteChannel(ops, w.at(2*time.Minute)); err != nil {
				return err
			}
			_, err := tx.AcknowledgeIncident(i, "Ann", w.at(3*time.Minute))
			return err
		})
		if diff := cmp.Diff(map[string]time.Duration{"other": time.Minute}, w.pendingChannels(ops, other)); diff != "" {
			w.Errorf("pending (-want +got):\n%s", diff)
		}
	})
}

func TestSave_NotifiesOnlyTheChannelsOfTheHeartbeat(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		quiet := w.newChannel("quiet")
		quiet.NotifyOnRecovery = false
		a, b, c := w.addChannel(w.newChannel("a")), w.addChannel(w.newChannel("b")), w.addChannel(quiet)
		main := w.project
		w.project = w.addProject("other")
		foreign := w.addChannel(w.newChannel("foreign"))
		w.project = main
		for name, tc := range map[string]struct {
			all      bool
			channels []string
			want     []string
		}{
			"all": {true, nil, []string{
				"incident.opened a pending", "incident.opened b pending", "incident.opened quiet pending", "incident.resolved a pending", "incident.resolved b pending",
			}},
			"some": {false, []string{b.ID, c.ID, foreign.ID}, []string{"incident.opened b pending", "incident.opened quiet pending", "incident.resolved b pending"}},
			"none": {false, nil, nil},
			// A heartbeat whose channels are all deleted notifies all channels.
			"gone": {false, []string{foreign.ID}, []string{
				"incident.opened a pending", "incident.opened b pending", "incident.opened quiet pending", "incident.resolved a pending", "incident.resolved b pending",
			}},
		} {
			h := w.newHeartbeat(name)
			h.AllChannels, h.Channels = tc.all, tc.channels
			h = w.addHeartbeat(h)
			newAlerts := w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, 2*time.Minute))
			got := map[string]bool{}
			for _, line := range w.alerts(w.incident(h).ID, a, b, c) {
				got[line] = true
			}
			want := map[string]bool{}
			for _, line := range tc.want {
				want[line] = true
			}
			if diff := cmp.Diff(want, got); diff != "" || newAlerts != len(want) {
				w.Errorf("%s: %d new alerts (-want +got):\n%s", name, newAlerts, diff)
			}
		}
	})
}

func TestSave_LateNotifiesOnlySubscribedChannelsAndOpensNoIncident(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		early := w.newChannel("early")
		early.NotifyOnLate = true
		ops, other := w.addChannel(early), w.addChannel(w.newChannel("other"))
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, 0))
		w.evaluate(6 * time.Minute)
		if n := len(w.incidents(w.project.Key)); n != 0 {
			w.Errorf("%d incidents of a late heartbeat; want none", n)
		}
		claimed := w.claimAlerts(ops, "a", 6*time.Minute, time.Hour, 10)
		if len(claimed) != 1 || claimed[0].Event != monitor.HeartbeatLate || claimed[0].Heartbeat != h.Key || claimed[0].Incident != "" {
			w.Errorf("claimed %+v; want the alert of one late heartbeat", claimed)
		}
		if claimed := w.claimAlerts(other, "a", 6*time.Minute, time.Hour, 10); claimed != nil {
			w.Errorf("the other channel gets %v; want nothing", eventsOf(claimed))
		}
		if h := w.reload(h); h.Status != monitor.Late {
			w.Errorf("it is %s; want late", h.Status)
		}
	})
}
