package store_test

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestSplitOff_TwoNodesMakeTheSameAlertAndServedRecipientsAreDone(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel(w.newChannel("mail"))
		i := w.down(w.heartbeat("backup"), time.Minute)
		a := w.claim(c, "a", time.Minute, 2*time.Minute, 1)[0]
		b := w.claim(c, "b", 3*time.Minute, 5*time.Minute, 1)[0] // the lease of a has ended
		parts := map[string]bool{}
		for _, node := range []monitor.Alert{a, b} {
			part := made(w, func(tx *store.Tx) (monitor.Alert, error) {
				if _, err := tx.Sent(node.ID); err != nil {
					return node, err
				}
				return tx.SplitOff(node, "bob@example.com", node.Attempts, w.at(time.Hour))
			})
			parts[part.ID] = true
		}
		if n := len(w.deliveries(i.ID)); n != 2 || len(parts) != 1 {
			w.Errorf("%d alerts, %d ids of the part; want the alert and one part", n, len(parts))
		}
		w.update(func(tx *store.Tx) error {
			return tx.SentToRecipients(a.ID, []string{"ann@example.com", "bob@example.com"})
		})
		for _, d := range w.deliveries(i.ID) {
			if d.State != monitor.Sent {
				w.Errorf("the alert for %q is %s; want it sent", d.Recipient, d.State)
			}
		}
	})
}

func TestClaim_ARecipientWaitsForTheirOwnEarlierAlertsAndOthersDoNot(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel(w.newChannel("mail"))
		h := w.heartbeat("backup")
		w.down(h, time.Minute)
		opened := w.claim(c, "a", time.Minute, 2*time.Minute, 1)[0]
		w.update(func(tx *store.Tx) error {
			if _, err := tx.Sent(opened.ID); err != nil {
				return err
			}
			_, err := tx.SplitOff(opened, "bob@example.com", 1, w.at(time.Hour))
			return err
		})
		w.hear(h, w.ping(monitor.Success, 2*time.Minute))
		claimed := w.claim(c, "a", 3*time.Minute, 4*time.Minute, 5)
		n := slices.IndexFunc(claimed, func(a monitor.Alert) bool { return a.Event == monitor.IncidentResolved })
		if n < 0 {
			w.Fatalf("claimed %+v; want the end for the others", claimed)
		}
		end := claimed[n]
		waiting := seen(w, func(tx *store.Tx) (map[string]time.Time, error) { return tx.WaitingRecipients(end) })
		if _, waits := waiting["bob@example.com"]; !waits || len(waiting) != 1 {
			w.Errorf("waiting: %v; want bob alone", waiting)
		}
		made(w, func(tx *store.Tx) (monitor.Alert, error) { return tx.SplitOff(end, "bob@example.com", 0, w.at(0)) })
		for _, a := range w.claim(c, "a", 5*time.Minute, 6*time.Minute, 5) {
			if a.Parent == end.ID {
				w.Error("bob's end was claimed before his opening was sent")
			}
		}
	})
}
