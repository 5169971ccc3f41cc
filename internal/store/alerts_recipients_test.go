package store_test

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestSplitRecipient_TwoNodesMakeTheSameAlertAndSentRecipientsStaySent(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("mail"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		a := w.claimAlerts(c, "a", time.Minute, 2*time.Minute, 1)[0]
		b := w.claimAlerts(c, "b", 3*time.Minute, 5*time.Minute, 1)[0] // the lease of a has ended
		parts := map[string]bool{}
		for _, node := range []monitor.Alert{a, b} {
			part := updateValue(w, func(tx *store.Tx) (monitor.Alert, error) {
				if _, err := tx.MarkSent(node.ID); err != nil {
					return node, err
				}
				return tx.SplitRecipient(node, "bob@example.com", node.Attempts, w.at(time.Hour))
			})
			parts[part.ID] = true
		}
		if n := len(w.deliveries(i.ID)); n != 2 || len(parts) != 1 {
			w.Errorf("%d alerts, %d ids of the part; want the alert and one part", n, len(parts))
		}
		w.update(func(tx *store.Tx) error {
			return tx.MarkSentToRecipients(a.ID, []string{"ann@example.com", "bob@example.com"})
		})
		for _, d := range w.deliveries(i.ID) {
			if d.State != monitor.AlertSent {
				w.Errorf("the alert for %q is %s; want it sent", d.Recipient, d.State)
			}
		}
	})
}

func TestClaim_ARecipientWaitsOnlyForTheirOwnEarlierAlerts(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("mail"))
		h := w.newSavedHeartbeat("backup")
		w.fail(h, time.Minute)
		opened := w.claimAlerts(c, "a", time.Minute, 2*time.Minute, 1)[0]
		w.update(func(tx *store.Tx) error {
			if _, err := tx.MarkSent(opened.ID); err != nil {
				return err
			}
			_, err := tx.SplitRecipient(opened, "bob@example.com", 1, w.at(time.Hour))
			return err
		})
		w.applyPings(h, w.ping(monitor.PingSuccess, 2*time.Minute))
		claimed := w.claimAlerts(c, "a", 3*time.Minute, 4*time.Minute, 5)
		n := slices.IndexFunc(claimed, func(a monitor.Alert) bool { return a.Event == monitor.IncidentResolved })
		if n < 0 {
			w.Fatalf("claimed %+v; want the end for the others", claimed)
		}
		end := claimed[n]
		waiting := view(w, func(tx *store.Tx) (map[string]time.Time, error) { return tx.RecipientsWithEarlierAlerts(end) })
		if _, waits := waiting["bob@example.com"]; !waits || len(waiting) != 1 {
			w.Errorf("waiting: %v; want bob alone", waiting)
		}
		updateValue(w, func(tx *store.Tx) (monitor.Alert, error) {
			return tx.SplitRecipient(end, "bob@example.com", 0, w.at(0))
		})
		for _, a := range w.claimAlerts(c, "a", 5*time.Minute, 6*time.Minute, 5) {
			if a.SplitFrom == end.ID {
				w.Error("bob's end was claimed before his opening was sent")
			}
		}
	})
}
