package store_test

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// record records one attempt on a channel.
func (w *world) record(c monitor.Channel, at time.Duration, attempts int, results ...monitor.DeliveryResult) {
	w.Helper()
	w.update(func(tx *store.Tx) error { return tx.RecordDelivery(c.ID, results, true, attempts, w.at(at)) })
}

// health returns how a channel delivers at a moment.
func (w *world) health(c monitor.Channel, at time.Duration) monitor.ChannelHealth {
	w.Helper()
	return seen(w, func(tx *store.Tx) (monitor.ChannelHealth, error) {
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
	onEach(t, func(w *world) {
		c := w.channel(w.newChannel("ops"))
		broke := monitor.DeliveryResult{Status: 500, Reason: "broke"}
		step := func(at time.Duration, want monitor.ChannelState, failing bool, since time.Duration) {
			w.Helper()
			h := w.health(c, at)
			if h.State != want || w.channelNow(c).Failing != failing {
				w.Errorf("at %s: %s, failing %t; want %s, %t", at, h.State, w.channelNow(c).Failing, want, failing)
			}
			if since > 0 && (len(h.Failures) != 1 || !h.Failures[0].Since.Equal(w.at(since))) {
				w.Errorf("at %s: failures %+v; want one since %s", at, h.Failures, since)
			}
		}
		step(0, monitor.ChannelUntested, false, 0)
		w.record(c, time.Minute, 1, broke)
		step(time.Minute, monitor.ChannelRetrying, false, time.Minute)
		w.record(c, 2*time.Minute, 3, broke)
		step(2*time.Minute, monitor.ChannelBroken, true, time.Minute)
		w.record(c, 3*time.Minute, 1, broke) // of another alert
		step(3*time.Minute, monitor.ChannelBroken, true, time.Minute)
		w.record(c, 4*time.Minute, 1, monitor.DeliveryResult{Delivered: true})
		step(4*time.Minute, monitor.ChannelWorking, false, 0)
		w.record(c, 5*time.Minute, 1, broke)
		step(5*time.Minute, monitor.ChannelRetrying, false, 5*time.Minute)
		w.record(c, 6*time.Minute, 1, monitor.DeliveryResult{Final: true})
		step(6*time.Minute, monitor.ChannelBroken, true, 5*time.Minute)
	})
}

func TestRecordDelivery_RecipientsFailByThemselvesAndAllTogetherAreTheChannel(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel(w.newChannel("mail"))
		result := func(recipient string, delivered, final bool) monitor.DeliveryResult {
			return monitor.DeliveryResult{Recipient: recipient, Delivered: delivered, Final: final, Status: 451}
		}
		w.record(c, time.Minute, 1, result("a", true, false), result("b", false, true), result("c", false, false))
		if h := w.health(c, time.Minute); h.State != monitor.ChannelBroken || !slices.Equal(h.FailingFor(), []string{"b", "c"}) {
			w.Errorf("%s for %v; want failing for b and c", h.State, h.FailingFor())
		}
		w.record(c, 2*time.Minute, 1, result("a", false, false), result("b", false, false), result("c", false, false))
		if h := w.health(c, 2*time.Minute); h.FailingFor() != nil {
			w.Errorf("failing for %v; want the whole channel", h.FailingFor())
		}
		w.record(c, 3*time.Minute, 1, result("b", true, false))
		if h := w.health(c, 3*time.Minute); h.State != monitor.ChannelRetrying || !slices.Equal(h.FailingFor(), []string{"c"}) {
			w.Errorf("%s for %v; want retrying for c alone", h.State, h.FailingFor())
		}
		w.update(func(tx *store.Tx) error { return tx.ForgetRecipients(c.ID, []string{"a", "b"}) })
		if h := w.health(c, 4*time.Minute); h.State != monitor.ChannelWorking {
			w.Errorf("%s; want working without c", h.State)
		}
	})
}

func TestMarkAnnounced_OneNodeOfManyAnnounces(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel(w.newChannel("ops"))
		w.record(c, time.Minute, 1, monitor.DeliveryResult{Final: true})
		f := monitor.ChannelFailure{Channel: c.ID}
		mark := func() bool {
			return made(w, func(tx *store.Tx) (bool, error) { return tx.MarkAnnounced(f, w.at(2*time.Minute)) })
		}
		if first, second := mark(), mark(); !first || second {
			w.Errorf("announced by the first node: %t, by the second: %t; want once", first, second)
		}
		forget := func() bool {
			return made(w, func(tx *store.Tx) (bool, error) { return tx.ForgetRecovered(f) })
		}
		if forget() {
			w.Error("a failure that goes on is announced as recovered")
		}
		w.record(c, 3*time.Minute, 1, monitor.DeliveryResult{Delivered: true})
		// It fails again before any node has announced the recovery: nothing to announce.
		w.record(c, 4*time.Minute, 1, monitor.DeliveryResult{Final: true})
		if mark() || forget() {
			w.Error("a failure that continues is announced again")
		}
		w.record(c, 5*time.Minute, 1, monitor.DeliveryResult{Delivered: true})
		if first, second := forget(), forget(); !first || second {
			w.Errorf("recovery announced by the first node: %t, by the second: %t; want once", first, second)
		}
	})
}

func TestOutbox_CountsWhatIsPendingWithoutRemindersToCome(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.newChannel("ops")
		c.RemindEvery = time.Hour
		c = w.channel(c)
		if o := seen(w, (*store.Tx).Outbox); o.Pending != 0 || !o.Oldest.IsZero() || len(o.Failing) != 1 {
			w.Errorf("%+v; want nothing pending and one channel", o)
		}
		w.down(w.heartbeat("backup"), time.Minute)
		w.down(w.heartbeat("other"), 2*time.Minute)
		o := seen(w, (*store.Tx).Outbox)
		if o.Pending != 2 || !o.Oldest.Equal(w.at(time.Minute)) || o.Failing[c.ID] {
			w.Errorf("%+v; want two alerts, the oldest from the first minute", o)
		}
	})
}

func TestWithHealth_TheNextAttemptIsOfAnAlertThatCanBeTried(t *testing.T) {
	onEach(t, func(w *world) {
		ops := w.channel(w.newChannel("ops"))
		h := w.heartbeat("backup")
		w.down(h, time.Minute)
		opened := w.claim(ops, "a", time.Minute, 2*time.Minute, 1)
		w.update(func(tx *store.Tx) error { return tx.Later(opened[0], w.at(time.Hour), w.at(time.Hour)) })
		w.hear(h, w.ping(monitor.Success, 3*time.Minute)) // resolved is due, and waits for opened
		if health := w.health(ops, 4*time.Minute); health.Pending != 2 || !health.Next.Equal(w.at(time.Hour)) {
			w.Errorf("%d pending, next attempt %s; want 2, and the attempt at opened at %s", health.Pending, health.Next, w.at(time.Hour))
		}
	})
}

func TestDeleteChannel_ForgetsItsFailures(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.channel(w.newChannel("ops"))
		w.record(c, time.Minute, 1, monitor.DeliveryResult{Final: true})
		w.update(func(tx *store.Tx) error { return tx.DeleteChannel(c, w.at(2*time.Minute)) })
		if n := w.counted("SELECT COUNT(*) FROM channel_failures"); n != "0" {
			w.Errorf("%s failures of a deleted channel; want none", n)
		}
	})
}
