package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// TestClaim_AlertsOfTheNextIncidentWaitForThePreviousOne shows that "recovered" is never
// delivered last while a later incident is open.
func TestClaim_AlertsOfTheNextIncidentWaitForThePreviousOne(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingFail, time.Minute), w.ping(monitor.PingSuccess, time.Minute))
		w.fail(h, time.Minute)
		var delivered []string
		for range 4 {
			claimed := w.claimAlerts(ops, "a", time.Hour, 2*time.Hour, 10)
			if len(claimed) > 1 {
				w.Errorf("claimed %v together; want one after the other", eventsOf(claimed))
			}
			for _, a := range claimed {
				i := view(w, func(tx *store.Tx) (monitor.Incident, error) { return tx.Incident(h.Project, a.Incident) })
				delivered = append(delivered, fmt.Sprintf("%s %d", a.Event, i.Number))
				w.update(func(tx *store.Tx) error { _, err := tx.MarkSent(a.ID); return err })
			}
		}
		if diff := cmp.Diff([]string{"incident.opened 1", "incident.resolved 1", "incident.opened 2"}, delivered); diff != "" {
			w.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

func TestSave_ANewAlertExpeditesRetries(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		for name, c := range map[string]struct{ asked, want time.Duration }{
			"backup":   {0, 2 * time.Minute},
			"patience": {5 * time.Minute, 5 * time.Minute},  // the provider asked for it
			"soon":     {90 * time.Second, 2 * time.Minute}, // which is over
		} {
			h, other := w.newSavedHeartbeat(name), w.newSavedHeartbeat("other-"+name)
			for _, h := range []monitor.Heartbeat{h, other} {
				w.fail(h, time.Minute)
				opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 1)[0]
				var asked time.Time
				if c.asked > 0 {
					asked = w.at(c.asked)
				}
				w.update(func(tx *store.Tx) error { return tx.Reschedule(opened, w.at(time.Hour), asked) })
			}
			w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute))
			if got := w.deliveries(w.incident(h).ID)[0].NextAttempt.Sub(w.start); got != c.want {
				w.Errorf("%s: next attempt at the opening at %s; want %s", name, got, c.want)
			}
			if got := w.deliveries(w.incident(other).ID)[0].NextAttempt.Sub(w.start); got != time.Hour {
				w.Errorf("%s: next attempt at the alert of another heartbeat at %s; want an hour, as before", name, got)
			}
		}
	})
}

func TestSave_ANewAlertExpeditesNoClaimedAlertAndNoReminder(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		ops := w.addChannel(c)
		h := w.newSavedHeartbeat("backup")
		i := w.fail(h, time.Minute)
		w.claimAlerts(ops, "a", time.Minute, 30*time.Minute, 1)
		w.update(func(tx *store.Tx) error { _, err := tx.AcknowledgeIncident(i, "Ann", w.at(2*time.Minute)); return err })
		w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Minute), w.ping(monitor.PingFail, 3*time.Minute))
		if diff := cmp.Diff(map[string]time.Duration{"ops": 30 * time.Minute}, w.pendingChannels(ops)); diff != "" {
			w.Errorf("pending while a node delivers (-want +got):\n%s", diff)
		}
		for _, d := range w.deliveries(w.incident(h).ID) {
			if d.Event == monitor.IncidentReminder && !d.NextAttempt.Equal(w.at(time.Hour+3*time.Minute)) {
				w.Errorf("the reminder is due at %s; want an hour after the incident", d.NextAttempt)
			}
		}
	})
}
