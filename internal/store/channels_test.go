package store_test

import (
	"context"
	"errors"
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
			w.Errorf("owing (-want +got):\n%s", diff)
		}
		if owed := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkSent(held.ID) }); owed {
			w.Error("an alert of a deleted channel was still owed")
		}
		if owed := w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Minute)); owed != 1 {
			w.Errorf("%d alerts became owed after the deletion; want that of the other channel", owed)
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
			w.Errorf("owing (-want +got):\n%s", diff)
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
		for name, told := range map[string]struct {
			all      bool
			channels []string
			want     []string
		}{
			"all": {true, nil, []string{
				"incident.opened a pending", "incident.opened b pending", "incident.opened quiet pending", "incident.resolved a pending", "incident.resolved b pending",
			}},
			"some": {false, []string{b.ID, c.ID, foreign.ID}, []string{"incident.opened b pending", "incident.opened quiet pending", "incident.resolved b pending"}},
			"none": {false, nil, nil},
			// A heartbeat whose channels are all gone was not meant to be silent.
			"gone": {false, []string{foreign.ID}, []string{
				"incident.opened a pending", "incident.opened b pending", "incident.opened quiet pending", "incident.resolved a pending", "incident.resolved b pending",
			}},
		} {
			h := w.newHeartbeat(name)
			h.AllChannels, h.Channels = told.all, told.channels
			h = w.addHeartbeat(h)
			owed := w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, 2*time.Minute))
			got := map[string]bool{}
			for _, line := range w.alerts(w.incident(h).ID, a, b, c) {
				got[line] = true
			}
			want := map[string]bool{}
			for _, line := range told.want {
				want[line] = true
			}
			if diff := cmp.Diff(want, got); diff != "" || owed != len(want) {
				w.Errorf("%s: %d alerts became owed (-want +got):\n%s", name, owed, diff)
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
			w.Errorf("%d incidents; want none by being late", n)
		}
		claimed := w.claimAlerts(ops, "a", 6*time.Minute, time.Hour, 10)
		if len(claimed) != 1 || claimed[0].Event != monitor.HeartbeatLate || claimed[0].Heartbeat != h.Key || claimed[0].Incident != "" {
			w.Errorf("claimed %+v; want the news of one late heartbeat", claimed)
		}
		if claimed := w.claimAlerts(other, "a", 6*time.Minute, time.Hour, 10); claimed != nil {
			w.Errorf("the other channel is told %v; want nothing", eventsOf(claimed))
		}
		if h := w.reload(h); h.Status != monitor.Late {
			w.Errorf("it is %s; want late", h.Status)
		}
	})
}

func TestAddProject_EveryFieldIsReadBack(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		other := w.addProject("other")
		if diff := cmp.Diff([]monitor.Project{w.project, other}, view(w, (*store.Tx).Projects)); diff != "" {
			w.Errorf("projects (-want +got):\n%s", diff)
		}
		for _, name := range []string{"other", "Project other"} {
			if got := view(w, func(tx *store.Tx) (monitor.Project, error) { return tx.ProjectBySlugOrName(name) }); got != other {
				w.Errorf("%q is project %+v; want %+v", name, got, other)
			}
		}
		if got := view(w, func(tx *store.Tx) (monitor.Project, error) { return tx.Project(other.Key) }); got != other {
			w.Errorf("by its key it is %+v; want %+v", got, other)
		}
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.Project(99); return err }), monitor.NotFound)
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.ProjectBySlugOrName("%"); return err }), monitor.NotFound)
		err := w.db.Update(context.Background(), func(tx *store.Tx) error {
			_, err := tx.AddProject(monitor.Project{Slug: "other", Created: w.start})
			return err
		})
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("a second project %q: %v; want ErrTaken", "other", err)
		}
	})
}

func TestAPIKeyByHash_FindsAKeyUntilItIsRevoked(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		want := updateValue(w, func(tx *store.Tx) (monitor.APIKey, error) {
			return tx.AddAPIKey(monitor.APIKey{Project: w.project.Key, Name: "deploy", ReadOnly: true, Created: w.start}, "hash")
		})
		find := func(hash string) (k monitor.APIKey, found bool) {
			w.update(func(tx *store.Tx) (err error) { k, found, err = tx.APIKeyByHash(hash); return err })
			return k, found
		}
		if _, found := find("other"); found {
			w.Error("a hash that nobody has opens something")
		}
		want.LastUsed = w.at(time.Hour)
		w.update(func(tx *store.Tx) error { return tx.RecordAPIKeyUse(want.ID, w.at(time.Hour)) })
		if got, found := find("hash"); !found || got != want {
			w.Errorf("found %t %+v; want %+v", found, got, want)
		}
		if _, err := store.QueryWriter(w.db, "UPDATE api_keys SET revoked = 1"); err != nil {
			w.Fatal(err)
		}
		if _, found := find("hash"); found {
			w.Error("a revoked key still opens")
		}
	})
}

func TestAddAuditEntry_IsRolledBackWithItsChange(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		note := func(tx *store.Tx) error {
			return tx.AddAuditEntry(monitor.AuditEntry{Project: w.project.Key, At: w.start, Actor: "Ann", Kind: monitor.ActorCommandLine, Action: "heartbeat.create", Target: "backup", Detail: `"%"`})
		}
		w.rollBack(note)
		w.update(note)
		if n := w.queryNumber(`SELECT COUNT(*) FROM audit WHERE actor = 'Ann' AND action = 'heartbeat.create' AND target = 'backup' AND detail = '"%"'`); n != "1" {
			w.Errorf("%s entries; want the one that was committed", n)
		}
	})
}

func TestAddTestAlert_KeepsOnlyTheNewest(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("ops"))
		for i := range maxTestAlertsKept + 3 {
			w.update(func(tx *store.Tx) error {
				return tx.AddTestAlert(c, store.Attempt{At: w.at(time.Duration(i) * time.Second), Outcome: "refused", Status: 500 + i, Detail: "no"})
			})
		}
		var last []store.ChannelAttempt
		w.update(func(tx *store.Tx) (err error) { last, err = tx.RecentChannelAttempts(c.ID, 100); return err })
		if len(last) != maxTestAlertsKept || last[0].Status != 500+maxTestAlertsKept+2 || last[0].Event != monitor.TestAlert || last[0].AlertState != monitor.AlertFailed {
			w.Errorf("kept %d, the newest %+v", len(last), last)
		}
	})
}

// maxTestAlertsKept is how many test alerts a channel shows.
const maxTestAlertsKept = 10
