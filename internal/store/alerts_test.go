package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// pendingByChannel returns the channels with pending alerts as of a time.
func (w *fixture) pendingByChannel(d time.Duration) []store.PendingChannel {
	w.Helper()
	return view(w, func(tx *store.Tx) ([]store.PendingChannel, error) { return tx.PendingByChannel(w.at(d)) })
}

// pendingChannels returns the channels with pending alerts and the time of the next attempt, by name.
func (w *fixture) pendingChannels(channels ...monitor.Channel) map[string]time.Duration {
	w.Helper()
	all := map[string]time.Duration{}
	for _, o := range w.pendingByChannel(0) {
		i := slices.IndexFunc(channels, func(c monitor.Channel) bool { return c.ID == o.Channel })
		if i < 0 {
			w.Fatalf("an unexpected channel has pending alerts")
		}
		all[channels[i].Name] = o.NextAttempt.Sub(w.start)
	}
	return all
}

func TestClaim_AClaimedAlertIsExclusiveUntilItsLeaseEnds(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		if early := w.claimAlerts(ops, "a", time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("claimed %v before it was due", eventsOf(early))
		}
		want := []monitor.Alert{{
			ID: w.deliveries(i.ID)[0].ID, Project: h.Project, Channel: ops.ID, Event: monitor.IncidentOpened, Heartbeat: h.Key, Incident: i.ID,
			State: monitor.AlertPending, Attempts: 1, Created: w.at(time.Minute), NextAttempt: w.at(3 * time.Minute),
		}}
		if diff := cmp.Diff(want, w.claimAlerts(ops, "a", time.Minute, 3*time.Minute, 10)); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		for _, node := range []string{"a", "b"} {
			if again := w.claimAlerts(ops, node, 3*time.Minute-time.Microsecond, time.Hour, 10); again != nil {
				w.Errorf("node %s claimed %v during the lease", node, eventsOf(again))
			}
		}
		late := w.claimAlerts(ops, "b", 3*time.Minute, 5*time.Minute, 10)
		if len(late) != 1 || late[0].ID != want[0].ID || late[0].Attempts != 2 {
			w.Errorf("after the lease node b claimed %+v; want the same alert, its second attempt", late)
		}
	})
}

// claimNames claims n alerts of a channel in an hour, and returns the names of their
// heartbeats, sorted: a claim is a set.
func (w *fixture) claimNames(c monitor.Channel, n int) string {
	w.Helper()
	var names []string
	for _, a := range w.claimAlerts(c, "a", time.Hour, 2*time.Hour, n) {
		h := view(w, func(tx *store.Tx) (monitor.Heartbeat, error) { return tx.HeartbeatByKey(a.Heartbeat) })
		names = append(names, h.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestClaim_ThreeOfFourAreTheNewestAndTheFourthIsDueLongest(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		for n := range 9 {
			w.fail(w.newSavedHeartbeat(fmt.Sprint("job-", n)), time.Duration(n+1)*time.Minute)
		}
		got := []string{w.claimNames(ops, 3), w.claimNames(ops, 4), w.claimNames(ops, 1), w.claimNames(ops, 4), w.claimNames(ops, 4)}
		want := []string{"job-6 job-7 job-8", "job-0 job-3 job-4 job-5", "job-2", "job-1", ""}
		if diff := cmp.Diff(want, got); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		longest := updateValue(w, func(tx *store.Tx) ([]monitor.Alert, error) {
			return tx.ClaimLongestDue(other.ID, "a", w.at(time.Hour), w.at(2*time.Hour), 1)
		})
		if len(longest) != 1 || !longest[0].Created.Equal(w.at(time.Minute)) {
			w.Errorf("claimed %+v; want the alert that has been due longest", longest)
		}
		if claimed := w.claimAlerts(other, "a", time.Hour, 2*time.Hour, 10); len(claimed) != 8 {
			w.Errorf("the other channel has %d more pending alerts; want 8", len(claimed))
		}
	})
}

// TestClaim_AnUrgentAlertIsClaimedBeforeNewerOnes: a backlog of recoveries, reminders and
// retries delays no opening.
func TestClaim_AnUrgentAlertIsClaimedBeforeNewerOnes(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		fail := func(name string, severity monitor.Severity, d time.Duration) {
			h := w.newHeartbeat(name)
			h.Severity = severity
			w.fail(w.addHeartbeat(h), d)
		}
		over := w.newSavedHeartbeat("over")
		w.fail(over, 2*time.Minute)
		w.update(func(tx *store.Tx) error { // the oldest, and a retry
			a := w.deliveries(w.incident(over).ID)[0].Alert
			return tx.Reschedule(a, w.at(time.Minute), time.Time{})
		})
		fail("critical", monitor.SeverityCritical, 3*time.Minute)
		fail("warning", monitor.SeverityWarning, 4*time.Minute)
		fail("info", monitor.SeverityInfo, 5*time.Minute)
		fail("more critical", monitor.SeverityCritical, 3*time.Minute+time.Second)
		w.update(func(tx *store.Tx) error {
			return tx.Enqueue(monitor.Alert{
				Project: w.project.Key, Channel: ops.ID, Event: monitor.HeartbeatLate, Heartbeat: over.Key, Created: w.at(6 * time.Minute), NextAttempt: w.at(6 * time.Minute),
			}, 0)
		})
		var got []string
		for range 6 {
			got = append(got, w.claimNames(ops, 1))
		}
		if diff := cmp.Diff([]string{"more critical", "critical", "over", "warning", "info", "over"}, got); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
	})
}

// TestClaim_ABurstDelaysNoOtherFailure: the failure is neither the newest alert nor the one
// that has been due longest.
func TestClaim_ABurstDelaysNoOtherFailure(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.miss("before", 100, 2*time.Minute)
		h := w.newHeartbeat("failed")
		h.Severity = monitor.SeverityInfo
		w.fail(w.addHeartbeat(h), 2*time.Minute+time.Second)
		w.miss("after", 150, 2*time.Minute+2*time.Second)
		// Up to 40 of the others are not a part of a burst. Every fourth claim is of another kind.
		if names := w.claimNames(ops, 60); !strings.Contains(names, "failed") {
			w.Errorf("the first 60 of 251 claims lack the failure: %s", names)
		}
	})
}

func TestPauseChannel_PausesOneChannelUntilItsReceiverAskedFor(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		pause := func(d time.Duration) { w.update(func(tx *store.Tx) error { return tx.PauseChannel(ops.ID, w.at(d)) }) }
		next := func() (d time.Duration) {
			for _, p := range w.pendingByChannel(2 * time.Minute) {
				switch {
				case p.Channel == ops.ID:
					d = p.NextAttempt.Sub(w.start)
				case p.Channel != other.ID || !p.NextAttempt.Equal(w.at(time.Minute)) || p.Kind != other.Kind:
					w.Errorf("%+v; want only one channel paused", p)
				}
			}
			return d
		}
		pause(10 * time.Minute)
		pause(5 * time.Minute)
		if got := next(); got != 10*time.Minute {
			w.Errorf("the next attempt is at %s; want the end of the longer pause", got)
		}
		if got := view(w, (*store.Tx).Outbox).Channels[ops.ID].PausedUntil; !got.Equal(w.at(10 * time.Minute)) {
			w.Errorf("the outbox says paused until %s", got)
		}
		w.update(func(tx *store.Tx) error { return tx.ResumeChannel(ops.ID) })
		if got := next(); got != time.Minute {
			w.Errorf("after the pause the next attempt is at %s; want a minute", got)
		}
		pause(time.Minute)
		if got := next(); got != time.Minute {
			w.Errorf("a pause that is over delays the next attempt to %s", got)
		}
		pause(10 * time.Minute)
		w.update(func(tx *store.Tx) error { return tx.SaveChannel(ops) })
		if got := next(); got != time.Minute {
			w.Errorf("after an edit the next attempt is at %s; want a minute", got)
		}
	})
}

func TestMarkAllSent_IsMarkSentAndReleaseNextOfEach(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		var ids []string
		for i := range 3 {
			h := w.newSavedHeartbeat(fmt.Sprint("job-", i))
			w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		}
		for i, a := range w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10) {
			ids = append(ids, a.ID)
			w.update(func(tx *store.Tx) error { // its successor waits too
				if i == 2 {
					return tx.Reschedule(a, w.at(2*time.Hour), time.Time{})
				}
				return tx.Reschedule(a, w.at(time.Hour), time.Time{})
			})
		}
		sent := updateValue(w, func(tx *store.Tx) (map[string]bool, error) { return tx.MarkAllSent(ids[:1], w.at(3*time.Minute)) })
		if len(sent) != 1 || !sent[ids[0]] {
			w.Errorf("marked %v; want the first", sent)
		}
		sent = updateValue(w, func(tx *store.Tx) (map[string]bool, error) { return tx.MarkAllSent(ids[:2], w.at(3*time.Minute)) })
		if len(sent) != 1 || !sent[ids[1]] {
			w.Errorf("marked %v; want the one that was still pending", sent)
		}
		if got := eventsOf(w.claimAlerts(ops, "a", 3*time.Minute, time.Hour, 10)); !slices.Equal(got, []monitor.Event{monitor.IncidentResolved, monitor.IncidentResolved}) {
			w.Errorf("claimed %v; want the two resolutions that waited for them", got)
		}
	})
}

func TestClaim_TwoNodesNeverClaimTheSameAlert(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		for n := range 10 {
			w.fail(w.newSavedHeartbeat(fmt.Sprint("job-", n)), time.Minute)
		}
		other := w.onNode(w.open())
		done := make(chan bool)
		var first, second []monitor.Alert
		w.update(func(tx *store.Tx) (err error) {
			first, err = tx.Claim(ops.ID, "a", w.at(time.Hour), w.at(2*time.Hour), 6)
			go other.updateConcurrently(done, func(tx *store.Tx) (err error) {
				second, err = tx.Claim(ops.ID, "b", w.at(time.Hour), w.at(2*time.Hour), 10)
				return err
			})
			if !store.OnSQLite(w.db) {
				<-done // it must not wait for us
			}
			return err
		})
		<-done
		if len(first) != 6 || len(second) != 4 {
			w.Errorf("claimed %d and %d of 10; want 6 and 4", len(first), len(second))
		}
		for _, a := range first {
			if slices.ContainsFunc(second, func(b monitor.Alert) bool { return a.ID == b.ID }) {
				w.Errorf("both nodes have alert %s", a.ID)
			}
		}
	})
}

func TestClaim_ResolvedIsDeliveredOnlyAfterOpened(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		h, second := w.newSavedHeartbeat("backup"), w.newSavedHeartbeat("second")
		w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10)
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentOpened}, eventsOf(opened)); diff != "" {
			w.Errorf("claimed first (-want +got):\n%s", diff)
		}
		if early := w.claimAlerts(ops, "b", time.Minute, time.Hour, 10); early != nil {
			w.Errorf("claimed %v while the opening is being delivered", eventsOf(early))
		}
		w.fail(second, time.Minute)
		if claimed := w.claimAlerts(ops, "b", time.Minute, time.Hour, 10); len(claimed) != 1 || claimed[0].Heartbeat != second.Key {
			w.Errorf("claimed %v of another incident; want its opening, which has no predecessor", eventsOf(claimed))
		}
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(opened[0].ID); return err })
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, eventsOf(w.claimAlerts(ops, "a", time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed after opened was sent (-want +got):\n%s", diff)
		}
		if claimed := w.claimAlerts(other, "a", time.Minute, time.Hour, 10); len(claimed) != 2 {
			w.Errorf("the other channel has %v pending; want both openings, independent of the first channel", eventsOf(claimed))
		}
	})
}

func TestMarkFailed_AFailedOpeningReleasesTheResolution(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		opened := w.claimAlerts(ops, "a", time.Minute, time.Hour, 10)[0]
		if did := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkFailed(opened) }); !did {
			w.Error("MarkFailed changed nothing")
		}
		if diff := cmp.Diff([]string{"incident.opened ops failed", "incident.resolved ops pending"}, w.alerts(opened.Incident, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, eventsOf(w.claimAlerts(ops, "a", time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
	})
}

func TestMarkSent_HoldsAfterAnotherNodeClaimedTheAlert(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		mine := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 1)[0]
		theirs := w.claimAlerts(ops, "b", 2*time.Minute, time.Hour, 1)[0]
		w.update(func(tx *store.Tx) error { return tx.Reschedule(mine, w.at(3*time.Minute), time.Time{}) })
		if did := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkFailed(mine) }); did {
			w.Error("MarkFailed changed an alert that another node had claimed since")
		}
		if stolen := w.claimAlerts(ops, "c", 4*time.Minute, time.Hour, 1); stolen != nil {
			w.Error("Reschedule ended the lease of another node")
		}
		sent := func() bool { return updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkSent(mine.ID) }) }
		if !sent() {
			w.Error("MarkSent did not mark the alert")
		}
		if sent() {
			w.Error("the alert was pending after it was sent")
		}
		w.update(func(tx *store.Tx) error { return tx.Reschedule(theirs, w.at(3*time.Minute), time.Time{}) })
		if did := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkFailed(theirs) }); did {
			w.Error("MarkFailed changed a sent alert")
		}
		if diff := cmp.Diff([]string{"incident.opened ops sent"}, w.alerts(i.ID, ops)); diff != "" {
			w.Errorf("alerts (-want +got):\n%s", diff)
		}
	})
}

func TestReschedule_MovesAnAlertAndItsSuccessors(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops, other := w.addChannel(w.newChannel("ops")), w.addChannel(w.newChannel("other"))
		w.applyPings(w.newSavedHeartbeat("backup"), w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, 2*time.Minute))
		opened := w.claimAlerts(ops, "a", 2*time.Minute, 3*time.Minute, 1)[0]
		w.update(func(tx *store.Tx) error { return tx.Reschedule(opened, w.at(10*time.Minute), time.Time{}) })
		if diff := cmp.Diff(map[string]time.Duration{"ops": 10 * time.Minute, "other": 2 * time.Minute}, w.pendingChannels(ops, other)); diff != "" {
			w.Errorf("pending (-want +got):\n%s", diff)
		}
		if early := w.claimAlerts(ops, "a", 10*time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("claimed %v before it was due", eventsOf(early))
		}
		again := w.claimAlerts(ops, "a", 10*time.Minute, time.Hour, 10)
		if len(again) != 1 || again[0].ID != opened.ID || again[0].Attempts != 2 {
			w.Errorf("claimed %+v; want the second attempt at the opening", again)
		}
	})
}

func TestReleaseNext_MakesSuccessorsDueExceptReminders(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.addChannel(c)
		open, over := w.newSavedHeartbeat("open"), w.newSavedHeartbeat("over")
		w.fail(open, time.Minute)
		w.applyPings(over, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		for _, opened := range w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10) {
			w.update(func(tx *store.Tx) error {
				if err := tx.Reschedule(opened, w.at(3*time.Hour), time.Time{}); err != nil {
					return err
				}
				if _, err := tx.MarkSent(opened.ID); err != nil {
					return err
				}
				return tx.ReleaseNext(opened, w.at(31*time.Minute))
			})
		}
		if diff := cmp.Diff([]monitor.Event{monitor.IncidentResolved}, eventsOf(w.claimAlerts(ops, "a", 31*time.Minute, 4*time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]time.Duration{"ops": 3 * time.Hour}, w.pendingChannels(ops)); diff != "" {
			w.Errorf("pending; the reminder keeps its time (-want +got):\n%s", diff)
		}
	})
}

// TestPendingByChannel_ReturnsTheNextPossibleAttempt protects the delivery loop: a time in
// the past with nothing to claim would make it run without a pause.
func TestPendingByChannel_ReturnsTheNextPossibleAttempt(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.fail(h, time.Minute)
		opened := w.claimAlerts(ops, "a", time.Minute, 3*time.Minute, 1)[0]
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute))
		if diff := cmp.Diff(map[string]time.Duration{"ops": 3 * time.Minute}, w.pendingChannels(ops)); diff != "" {
			w.Errorf("while the opening is being delivered (-want +got):\n%s", diff)
		}
		w.update(func(tx *store.Tx) error { return tx.Reschedule(opened, w.at(10*time.Minute), time.Time{}) })
		w.applyPings(h, w.ping(monitor.PingFail, 4*time.Minute))
		w.update(func(tx *store.Tx) error {
			for _, a := range w.deliveries(w.incident(h).ID) {
				if _, err := tx.MarkSent(a.ID); err != nil {
					return err
				}
			}
			return nil
		})
		// A second alert of the same heartbeat waits for the opening.
		if diff := cmp.Diff(map[string]time.Duration{"ops": 4 * time.Minute}, w.pendingChannels(ops)); diff != "" {
			w.Errorf("while the opening waits for its next attempt (-want +got):\n%s", diff)
		}
	})
}

func TestReleaseNext_LeavesClaimedAlerts(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.applyPings(w.newSavedHeartbeat("backup"), w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 10)[0]
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(opened.ID); return err })
		w.claimAlerts(ops, "b", time.Minute, time.Hour, 10)
		w.update(func(tx *store.Tx) error { return tx.ReleaseNext(opened, w.at(2*time.Minute)) })
		if stolen := w.claimAlerts(ops, "a", 3*time.Minute, time.Hour, 10); stolen != nil {
			w.Errorf("claimed %v, which another node has claimed", eventsOf(stolen))
		}
	})
}

func TestPendingByChannel_ListsEachChannelOnceWithItsFirstAttempt(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		if none := w.pendingByChannel(0); len(none) != 0 {
			w.Errorf("%d channels of an empty store have pending alerts; want none", len(none))
		}
		var channels []monitor.Channel
		want := map[string]time.Duration{}
		for n := range 40 {
			c := w.addChannel(w.newChannel(fmt.Sprint("c-", n)))
			channels = append(channels, c)
			for k := range n % 4 {
				next := time.Duration(n)*time.Minute + time.Duration((k+2)%3)*time.Second
				w.update(func(tx *store.Tx) error {
					return tx.Enqueue(monitor.Alert{Project: c.Project, Channel: c.ID, Event: monitor.TestAlert, Subject: fmt.Sprint(k), Created: w.start, NextAttempt: w.at(next)}, 0)
				})
				if soonest, ok := want[c.Name]; !ok || next < soonest {
					want[c.Name] = next
				}
			}
		}
		if diff := cmp.Diff(want, w.pendingChannels(channels...)); diff != "" {
			w.Errorf("pending (-want +got):\n%s", diff)
		}
		sent := channels[1]
		a := w.claimAlerts(sent, "a", time.Hour, 2*time.Hour, 1)
		w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(a[0].ID); return err })
		delete(want, sent.Name)
		if diff := cmp.Diff(want, w.pendingChannels(channels...)); diff != "" {
			w.Errorf("pending after everything was sent to one channel (-want +got):\n%s", diff)
		}
	})
}

func TestReleaseClaims_OnlyOnSQLite(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		put := monitor.Alert{Project: w.project.Key, Channel: ops.ID, Event: monitor.TestAlert, Created: w.start, NextAttempt: w.at(30 * time.Minute)}
		w.update(func(tx *store.Tx) error { return tx.Enqueue(put, 0) })
		w.claimAlerts(ops, "dead", time.Minute, time.Hour, 10)
		w.update(func(tx *store.Tx) error { return w.db.ReleaseClaims(tx, w.at(2*time.Minute)) })
		var want []monitor.Event
		if store.OnSQLite(w.db) {
			want = []monitor.Event{monitor.IncidentOpened}
		}
		if diff := cmp.Diff(want, eventsOf(w.claimAlerts(ops, "new", 2*time.Minute, time.Hour, 10))); diff != "" {
			w.Errorf("claimed (-want +got):\n%s", diff)
		}
	})
}

func TestRenewClaims_ExtendsOnlyTheClaimsOfTheNode(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		claimed := w.claimAlerts(ops, "a", time.Minute, 3*time.Minute, 10)
		if len(claimed) != 1 {
			w.Fatalf("%d claimed; want 1", len(claimed))
		}
		alert := claimed[0].ID
		w.update(func(tx *store.Tx) error { return tx.RenewClaims([]string{alert}, "b", w.at(time.Hour)) })
		w.update(func(tx *store.Tx) error { return tx.RenewClaims([]string{alert}, "a", w.at(5*time.Minute)) })
		if early := w.claimAlerts(ops, "b", 5*time.Minute-time.Microsecond, time.Hour, 10); early != nil {
			w.Errorf("another node claimed %v during the renewed lease", eventsOf(early))
		}
		late := w.claimAlerts(ops, "b", 5*time.Minute, 7*time.Minute, 10)
		if len(late) != 1 {
			w.Fatalf("after the lease another node %d claimed; want 1", len(late))
		}
		w.update(func(tx *store.Tx) error { return tx.RenewClaims([]string{alert}, "a", w.at(time.Hour)) })
		if again := w.claimAlerts(ops, "c", 7*time.Minute, time.Hour, 10); len(again) != 1 {
			w.Errorf("the first node renewed a claim that it had lost")
		}
	})
}
