package store_test

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// recordDelivery records one attempt on a channel.
func (w *fixture) recordDelivery(c monitor.Channel, at time.Duration, attempts int, results ...monitor.DeliveryResult) {
	w.Helper()
	w.update(func(tx *store.Tx) error { return tx.RecordDelivery(c.ID, results, true, attempts, w.at(at)) })
}

// channelHealth returns the health of a channel at a time.
func (w *fixture) channelHealth(c monitor.Channel, at time.Duration) monitor.ChannelHealth {
	w.Helper()
	return view(w, func(tx *store.Tx) (monitor.ChannelHealth, error) {
		now, err := tx.Channel(c.Project, c.ID)
		if err != nil {
			return monitor.ChannelHealth{}, err
		}
		all, err := tx.WithHealth(c.Project, []monitor.Channel{now}, w.at(at))
		if err != nil {
			return monitor.ChannelHealth{}, err
		}
		return all[0].Health, nil
	})
}

func TestRecordDelivery_AFailureLastsFromItsFirstAttemptToTheNextSuccess(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("ops"))
		broke := monitor.DeliveryResult{StatusCode: 500, Reason: "broke"}
		step := func(at time.Duration, want monitor.ChannelState, failing bool, since time.Duration) {
			w.Helper()
			h := w.channelHealth(c, at)
			if h.State != want || w.reloadChannel(c).Failing != failing {
				w.Errorf("at %s: %s, failing %t; want %s, %t", at, h.State, w.reloadChannel(c).Failing, want, failing)
			}
			if since > 0 && (len(h.Failures) != 1 || !h.Failures[0].Since.Equal(w.at(since))) {
				w.Errorf("at %s: failures %+v; want one since %s", at, h.Failures, since)
			}
		}
		step(0, monitor.ChannelStateUntested, false, 0)
		w.recordDelivery(c, time.Minute, 1, broke)
		step(time.Minute, monitor.ChannelStateRetrying, false, time.Minute)
		w.recordDelivery(c, 2*time.Minute, 3, broke)
		step(2*time.Minute, monitor.ChannelStateFailing, true, time.Minute)
		w.recordDelivery(c, 3*time.Minute, 1, broke) // of another alert
		step(3*time.Minute, monitor.ChannelStateFailing, true, time.Minute)
		w.recordDelivery(c, 4*time.Minute, 1, monitor.DeliveryResult{Delivered: true})
		step(4*time.Minute, monitor.ChannelStateWorking, false, 0)
		w.recordDelivery(c, 5*time.Minute, 1, broke)
		step(5*time.Minute, monitor.ChannelStateRetrying, false, 5*time.Minute)
		w.recordDelivery(c, 6*time.Minute, 1, monitor.DeliveryResult{Permanent: true})
		step(6*time.Minute, monitor.ChannelStateFailing, true, 5*time.Minute)
	})
}

func TestRecordDelivery_AFailureOfAllRecipientsIsAFailureOfTheChannel(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("mail"))
		result := func(recipient string, delivered, final bool) monitor.DeliveryResult {
			return monitor.DeliveryResult{Recipient: recipient, Delivered: delivered, Permanent: final, StatusCode: 451}
		}
		w.recordDelivery(c, time.Minute, 1, result("a", true, false), result("b", false, true), result("c", false, false))
		if h := w.channelHealth(c, time.Minute); h.State != monitor.ChannelStateFailing || !slices.Equal(h.FailingFor(), []string{"b", "c"}) {
			w.Errorf("%s for %v; want failing for b and c", h.State, h.FailingFor())
		}
		w.recordDelivery(c, 2*time.Minute, 1, result("a", false, false), result("b", false, false), result("c", false, false))
		if h := w.channelHealth(c, 2*time.Minute); h.FailingFor() != nil {
			w.Errorf("failing for %v; want the whole channel", h.FailingFor())
		}
		w.recordDelivery(c, 3*time.Minute, 1, result("b", true, false))
		if h := w.channelHealth(c, 3*time.Minute); h.State != monitor.ChannelStateRetrying || !slices.Equal(h.FailingFor(), []string{"c"}) {
			w.Errorf("%s for %v; want retrying for c alone", h.State, h.FailingFor())
		}
		w.update(func(tx *store.Tx) error { return tx.DeleteRecipientFailures(c.ID, []string{"a", "b"}) })
		if h := w.channelHealth(c, 4*time.Minute); h.State != monitor.ChannelStateWorking {
			w.Errorf("%s; want working without c", h.State)
		}
	})
}

func TestMarkAnnounced_OneNodeOfManyAnnounces(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("ops"))
		w.recordDelivery(c, time.Minute, 1, monitor.DeliveryResult{Permanent: true})
		f := monitor.ChannelFailure{Channel: c.ID}
		mark := func() bool {
			return updateValue(w, func(tx *store.Tx) (bool, error) { return tx.MarkAnnounced(f, w.at(2*time.Minute)) })
		}
		if first, second := mark(), mark(); !first || second {
			w.Errorf("announced by the first node: %t, by the second: %t; want once", first, second)
		}
		forget := func() bool {
			return updateValue(w, func(tx *store.Tx) (bool, error) { return tx.DeleteRecoveredFailure(f) })
		}
		if forget() {
			w.Error("a continuing failure is announced as recovered")
		}
		w.recordDelivery(c, 3*time.Minute, 1, monitor.DeliveryResult{Delivered: true})
		// It fails again before a node announces the recovery: there is nothing to announce.
		w.recordDelivery(c, 4*time.Minute, 1, monitor.DeliveryResult{Permanent: true})
		if mark() || forget() {
			w.Error("a continuing failure is announced again")
		}
		w.recordDelivery(c, 5*time.Minute, 1, monitor.DeliveryResult{Delivered: true})
		if first, second := forget(), forget(); !first || second {
			w.Errorf("recovery announced by the first node: %t, by the second: %t; want once", first, second)
		}
	})
}

func TestOutbox_CountsPendingAlertsWithoutFutureReminders(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		c = w.addChannel(c)
		if o := view(w, (*store.Tx).Outbox); o.Pending != 0 || !o.Oldest.IsZero() || len(o.Channels) != 1 {
			w.Errorf("%+v; want nothing pending and one channel", o)
		}
		w.fail(w.newSavedHeartbeat("backup"), time.Minute)
		w.fail(w.newSavedHeartbeat("other"), 2*time.Minute)
		o := view(w, (*store.Tx).Outbox)
		if o.Pending != 2 || !o.Oldest.Equal(w.at(time.Minute)) || o.Channels[c.ID] != (store.ChannelOutbox{Pending: 2, Oldest: w.at(time.Minute)}) {
			w.Errorf("%+v; want two alerts, the oldest from the first minute", o)
		}
	})
}

func TestWithHealth_TheNextAttemptIsOfAnUnblockedAlert(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ops := w.addChannel(w.newChannel("ops"))
		h := w.newSavedHeartbeat("backup")
		w.fail(h, time.Minute)
		opened := w.claimAlerts(ops, "a", time.Minute, 2*time.Minute, 1)
		w.update(func(tx *store.Tx) error { return tx.Reschedule(opened[0], w.at(time.Hour), w.at(time.Hour)) })
		w.applyPings(h, w.ping(monitor.PingSuccess, 3*time.Minute)) // resolved is due, and waits for opened
		if health := w.channelHealth(ops, 4*time.Minute); health.Pending != 2 || !health.NextAttempt.Equal(w.at(time.Hour)) {
			w.Errorf("%d pending, next attempt %s; want 2, and the attempt at the opening at %s", health.Pending, health.NextAttempt, w.at(time.Hour))
		}
	})
}

func TestDeleteChannel_DeletesItsFailures(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addChannel(w.newChannel("ops"))
		w.recordDelivery(c, time.Minute, 1, monitor.DeliveryResult{Permanent: true})
		w.update(func(tx *store.Tx) error { return tx.DeleteChannel(c, w.at(2*time.Minute)) })
		if n := w.queryNumber("SELECT COUNT(*) FROM channel_failures"); n != "0" {
			w.Errorf("%s failures of a deleted channel; want none", n)
		}
	})
}
