package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
			w.Errorf("%d alerts with %d split ids; want the alert and one split alert", n, len(parts))
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
			w.Fatalf("claimed %+v; want the resolution for the other recipients", claimed)
		}
		end := claimed[n]
		waiting := view(w, func(tx *store.Tx) (map[string]time.Time, error) { return tx.RecipientsWithEarlierAlerts(end) })
		if _, waits := waiting["bob@example.com"]; !waits || len(waiting) != 1 {
			w.Errorf("recipients with earlier alerts: %v; want only bob", waiting)
		}
		updateValue(w, func(tx *store.Tx) (monitor.Alert, error) {
			return tx.SplitRecipient(end, "bob@example.com", 0, w.at(0))
		})
		for _, a := range w.claimAlerts(c, "a", 5*time.Minute, 6*time.Minute, 5) {
			if a.SplitFrom == end.ID {
				w.Error("the resolution for bob was claimed before his opening was sent")
			}
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
			w.Errorf("%d test alerts, the newest %+v", len(last), last)
		}
	})
}

// maxTestAlertsKept is the number of test alerts that a channel shows.
const maxTestAlertsKept = 10

func TestAddAttempt_StoresEachAttemptOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		a := w.claimAlerts(ops, "a", time.Minute, time.Hour, 1)[0]
		tries := []store.Attempt{
			{AlertID: a.ID, Number: 1, At: w.at(time.Minute), Took: time.Second + time.Microsecond, Outcome: "retry", Status: 503, Detail: `busy "%_'\`},
			{AlertID: a.ID, Number: 2, At: w.at(2 * time.Minute), Outcome: "sent"},
		}
		for _, try := range append(tries, store.Attempt{AlertID: a.ID, Number: 1, At: w.start, Outcome: "refused"}) {
			w.update(func(tx *store.Tx) error { return tx.AddAttempt(try) })
		}
		if diff := cmp.Diff(tries, w.deliveries(i.ID)[0].AttemptLog); diff != "" {
			w.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestAddAttempt_AcceptsInvalidUTF8FromTheProvider(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		i := w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		a := w.claimAlerts(ops, "a", time.Minute, time.Hour, 1)[0]
		w.update(func(tx *store.Tx) error {
			if err := tx.AddTimelineEntry(i.ID, "undelivered", "no: \x00\xff", w.start); err != nil {
				return err
			}
			return tx.AddAttempt(store.Attempt{AlertID: a.ID, Number: 1, At: w.start, Outcome: "retry", Detail: "\x1f\x8b\x00\xffgz"})
		})
		if got := w.deliveries(i.ID)[0].AttemptLog[0].Detail; got != "\x1f\uFFFD\uFFFD\uFFFDgz" {
			w.Errorf("detail %q", got)
		}
	})
}
