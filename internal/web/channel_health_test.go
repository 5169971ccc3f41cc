package web

import (
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// recordAttempts records the results of one delivery attempt of a channel.
func (w *fixture) recordAttempts(c monitor.Channel, attempts int, results ...monitor.DeliveryResult) {
	w.Helper()
	w.update(func(tx *store.Tx) error { return tx.RecordDelivery(c.ID, results, true, attempts, w.now()) })
}

func TestPages_WarnAboutAFailingChannelWhereItShouldAlert(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		h, i := w.failHeartbeat("backup", 2*time.Minute)
		pages := []string{"/heartbeats", "/incidents", "/heartbeats/" + h.Ref, "/incidents/" + i.ID}
		w.expectHTML(w.get("viewer", "/channels"), 200, "Not tested")
		w.recordAttempts(c, 1, monitor.DeliveryResult{StatusCode: 500, Reason: "upstream broke"})
		w.expectHTML(w.get("viewer", "/channels"), 200, "ops is retrying", "500 upstream broke", "1 alert is pending", "Next attempt in", "Retrying")
		for _, path := range pages {
			w.expectNone(w.get("viewer", path), "not being delivered")
		}
		w.recordAttempts(c, monitor.FailingAttempts, monitor.DeliveryResult{StatusCode: 500, Reason: "upstream broke"})
		w.expectHTML(w.get("viewer", "/channels"), 200, "ops is failing", "500 upstream broke", "Failing")
		for _, path := range pages {
			w.expectHTML(w.get("viewer", path), 200, "not being delivered", "See channels", "1<span class=\"vh\"> failing")
		}
		w.recordAttempts(c, 1, monitor.DeliveryResult{Recipient: "ann@example.com", Delivered: true}, monitor.DeliveryResult{Recipient: "bob@example.com", Permanent: true, StatusCode: 550})
		w.expectHTML(w.get("viewer", "/channels"), 200, "ops is failing for bob@example.com")
		w.expectHTML(w.get("viewer", "/incidents/"+i.ID), 200, "ops for bob@example.com is failing")
		w.recordAttempts(c, 1, monitor.DeliveryResult{Delivered: true})
		w.expectHTML(w.get("viewer", "/channels"), 200, "Working")
		for _, path := range pages {
			w.expectNone(w.get("viewer", path), "not being delivered")
		}
	})
}

func TestListChannels_AFailedTestAloneIsNotFailing(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		w.recordAttempts(c, 1, monitor.DeliveryResult{StatusCode: 500, Reason: "upstream broke"})
		page := w.get("viewer", "/channels")
		w.expectHTML(page, 200, "Last test failed")
		w.expectNone(page, "is failing")
		w.expectNone(page, "is retrying")
	})
}

func TestShowIncident_ListsEachRecipientOfASplitAlert(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("mail")
		_, i := w.failHeartbeat("backup", 2*time.Minute)
		w.update(func(tx *store.Tx) error {
			all, err := tx.Claim(c.ID, "node", w.now(), w.now().Add(time.Minute), 1)
			if err != nil {
				return err
			}
			if _, err := tx.MarkSent(all[0].ID); err != nil {
				return err
			}
			sent := store.Attempt{AlertID: all[0].ID, Number: 1, At: w.now(), Outcome: "sent", Status: 250, Detail: "Sent to 1 of 2; bob@example.com: 451 full"}
			if err := tx.AddAttempt(sent); err != nil {
				return err
			}
			part, err := tx.SplitRecipient(all[0], "bob@example.com", 1, w.now().Add(4*time.Minute))
			if err != nil {
				return err
			}
			if err := tx.AddAttempt(store.Attempt{AlertID: part.ID, Number: 1, At: w.now(), Outcome: "retry", Status: 451, Detail: "full"}); err != nil {
				return err
			}
			later := store.Attempt{AlertID: part.ID, Number: 2, At: w.now(), Outcome: "retry", Status: 452, Detail: "bob@example.com: 452 still full"}
			return tx.AddAttempt(later)
		})
		w.expectHTML(w.get("viewer", "/incidents/"+i.ID), 200,
			"<code>250 Sent to 1 of 2</code>", "for bob@example.com", "<code>bob@example.com: 452 still full</code>", "next in", "1 delivered, 1 retrying")
	})
}

func TestListChannels_ShowsUntilWhenAReceiverPausedItsChannel(t *testing.T) {
	onEach(t, func(w *fixture) {
		c := w.createChannel("ops")
		w.recordAttempts(c, 1, monitor.DeliveryResult{StatusCode: 429, Reason: "too many"})
		w.failHeartbeat("backup", 2*time.Minute)
		until := w.now().Add(5 * time.Minute)
		w.update(func(tx *store.Tx) error { return tx.PauseChannel(c.ID, until) })
		w.expectHTML(w.get("viewer", "/channels"), 200, "Paused until", until.UTC().Format("15:04:05")+"</time>", ", the receiver asked for it")
		w.update(func(tx *store.Tx) error { return tx.ResumeChannel(c.ID) })
		w.expectNone(w.get("viewer", "/channels"), "Paused until")
	})
}
