package web

import (
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// record records the results of one attempt at a channel.
func (w *world) record(c monitor.Channel, attempts int, results ...monitor.DeliveryResult) {
	w.Helper()
	w.update(func(tx *store.Tx) error { return tx.RecordDelivery(c.ID, results, true, attempts, w.now()) })
}

func TestPages_SayThatAChannelDoesNotDeliverWhereItShouldAlert(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		h, i := w.failed("backup", 2*time.Minute)
		pages := []string{"/heartbeats", "/incidents", "/heartbeats/" + h.Ref, "/incidents/" + i.ID}
		w.shows(w.get("viewer", "/channels"), 200, "Not tested")
		w.record(c, 1, monitor.DeliveryResult{Status: 500, Reason: "upstream broke"})
		w.shows(w.get("viewer", "/channels"), 200, "ops is retrying", "500 upstream broke", "1 alert is pending", "Next attempt in", "Retrying")
		for _, path := range pages {
			w.lacks(w.get("viewer", path), "not being delivered")
		}
		w.record(c, monitor.FailingAttempts, monitor.DeliveryResult{Status: 500, Reason: "upstream broke"})
		w.shows(w.get("viewer", "/channels"), 200, "ops is failing", "500 upstream broke", "Failing")
		for _, path := range pages {
			w.shows(w.get("viewer", path), 200, "not being delivered", "See channels", "1<span class=\"vh\"> failing")
		}
		w.record(c, 1, monitor.DeliveryResult{Recipient: "ann@example.com", Delivered: true}, monitor.DeliveryResult{Recipient: "bob@example.com", Final: true, Status: 550})
		w.shows(w.get("viewer", "/channels"), 200, "ops is failing for bob@example.com")
		w.shows(w.get("viewer", "/incidents/"+i.ID), 200, "ops for bob@example.com is failing")
		w.record(c, 1, monitor.DeliveryResult{Delivered: true})
		w.shows(w.get("viewer", "/channels"), 200, "Working")
		for _, path := range pages {
			w.lacks(w.get("viewer", path), "not being delivered")
		}
	})
}

func TestChannels_AFailedTestAloneIsNotFailing(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("ops")
		w.record(c, 1, monitor.DeliveryResult{Status: 500, Reason: "upstream broke"})
		page := w.get("viewer", "/channels")
		w.shows(page, 200, "Last test failed")
		w.lacks(page, "is failing")
		w.lacks(page, "is retrying")
	})
}

func TestIncidentPage_ShowsEachRecipientOfADividedAlert(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel("mail")
		_, i := w.failed("backup", 2*time.Minute)
		w.update(func(tx *store.Tx) error {
			all, err := tx.Claim(c.ID, "node", w.now(), w.now().Add(time.Minute), 1)
			if err != nil {
				return err
			}
			if _, err := tx.Sent(all[0].ID); err != nil {
				return err
			}
			sent := store.Attempt{Alert: all[0].ID, N: 1, At: w.now(), Outcome: "sent", Status: 250, Detail: "Sent to 1 of 2; bob@example.com: 451 full"}
			if err := tx.AddAttempt(sent); err != nil {
				return err
			}
			part, err := tx.SplitOff(all[0], "bob@example.com", 1, w.now().Add(4*time.Minute))
			if err != nil {
				return err
			}
			if err := tx.AddAttempt(store.Attempt{Alert: part.ID, N: 1, At: w.now(), Outcome: "retry", Status: 451, Detail: "full"}); err != nil {
				return err
			}
			later := store.Attempt{Alert: part.ID, N: 2, At: w.now(), Outcome: "retry", Status: 452, Detail: "bob@example.com: 452 still full"}
			return tx.AddAttempt(later)
		})
		w.shows(w.get("viewer", "/incidents/"+i.ID), 200,
			"<code>250 Sent to 1 of 2</code>", "for bob@example.com", "<code>bob@example.com: 452 still full</code>", "next in", "1 delivered, 1 retrying")
	})
}
