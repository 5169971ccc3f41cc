package deliver

import (
	"errors"
	"math/rand/v2"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// record stores the results of sends.
func (c *Courier) record(tx *store.Tx, results []result, now time.Time) error {
	for _, r := range results {
		if c.broken[r.alert.ID] {
			continue // sent again when its lease ends
		}
		if err := c.recordOne(tx, r, now); err != nil {
			return spoilt{r.alert.ID, err}
		}
	}
	return nil
}

// recordOne stores the result of one send.
func (c *Courier) recordOne(tx *store.Tx, r result, now time.Time) error {
	err := tx.RecordDelivery(r.channel.ID, Results(r.receipt, r.err), r.whole, r.alert.Attempts, now)
	if err != nil {
		return err
	}
	if r.mustSplit() {
		return c.recordSplit(tx, r, now)
	}
	if refusal, refused := RefusalOf(r.err); refused {
		return c.recordFailure(tx, r, refusal, now)
	}
	return c.recordSent(tx, r, now)
}

// Results returns the results of one attempt: one for each recipient, or one for
// the channel.
func Results(receipt notify.Receipt, err error) []monitor.DeliveryResult {
	refusal, refused := RefusalOf(err)
	recipients := receipt.Recipients
	if refused {
		recipients = refusal.Recipients
	}
	if len(recipients) == 0 {
		if !refused {
			return []monitor.DeliveryResult{{Delivered: true}}
		}
		return []monitor.DeliveryResult{{Final: refusal.Final, Status: refusal.Status, Reason: refusal.Body}}
	}
	var all []monitor.DeliveryResult
	for _, r := range recipients {
		one := monitor.DeliveryResult{Recipient: r.Recipient, Delivered: r.Refusal == nil}
		if r.Refusal != nil {
			one.Final, one.Status, one.Reason = r.Refusal.Final, r.Refusal.Status, r.Refusal.Body
		}
		all = append(all, one)
	}
	return all
}

// RefusalOf returns the provider's refusal. It turns any other error into one: the
// alert was not delivered in either case.
func RefusalOf(err error) (*notify.Refusal, bool) {
	if err == nil {
		return nil, false
	}
	var refusal *notify.Refusal
	if errors.As(err, &refusal) {
		return refusal, true
	}
	return &notify.Refusal{Body: err.Error()}, true
}

// refusals returns the results for recipients that did not get the alert.
func (r result) refusals() (all []notify.RecipientResult) {
	recipients := r.receipt.Recipients
	if refusal, refused := RefusalOf(r.err); refused {
		recipients = refusal.Recipients
	}
	for _, one := range recipients {
		if one.Refusal != nil {
			all = append(all, one)
		}
	}
	return all
}

// mustSplit reports whether the recipients of this attempt must be tried separately
// from now on: some have the alert or will never get it, and others do not have it
// yet. A reminder is not split: the next one follows anyway.
func (r result) mustSplit() bool {
	refusals := r.refusals()
	if len(refusals) == 0 || r.alert.Recipient != "" || r.alert.Event == monitor.IncidentReminder {
		return false
	}
	if r.err == nil || !r.whole {
		return true
	}
	for _, one := range refusals {
		if one.Refusal.Final != refusals[0].Refusal.Final {
			return true
		}
	}
	return false
}

// recordSplit marks the alert as sent for the recipients that have it, and gives
// each of the others a separate alert. If none has it, it becomes that of the first.
func (c *Courier) recordSplit(tx *store.Tx, r result, now time.Time) error {
	used := r.err == nil
	if used {
		var have []string
		for _, one := range r.receipt.Recipients {
			if one.Refusal == nil {
				have = append(have, one.Recipient)
			}
		}
		if err := tx.SentToRecipients(r.alert.ID, have); err != nil {
			return err
		}
		if err := c.recordSent(tx, r, now); err != nil {
			return err
		}
	}
	for _, one := range r.refusals() {
		part := r
		var err error
		if used {
			part.alert, err = tx.SplitOff(r.alert, one.Recipient, r.alert.Attempts, now)
		} else {
			part.alert, err = tx.Narrow(r.alert, one.Recipient)
		}
		if err != nil {
			return err
		}
		used = true
		if err := c.recordFailure(tx, part, one.Refusal, now); err != nil {
			return err
		}
	}
	return nil
}

// recordSent records that an alert was delivered, makes due what waited for it, and
// adds the next reminder after a reminder.
func (c *Courier) recordSent(tx *store.Tx, r result, now time.Time) error {
	first, err := tx.Sent(r.alert.ID)
	switch {
	case err != nil:
		return err
	case first && r.alert.Event == monitor.IncidentReminder && r.alert.Parent == "":
		err = c.remindAgain(tx, r, now)
	case first:
		err = tx.Follow(r.alert, now)
	}
	if err != nil {
		return err
	}
	return c.addAttempt(tx, r, store.Attempt{Outcome: "sent", Status: r.receipt.Status, Detail: r.receipt.Detail})
}

// recordFailure records that an alert was not delivered, and schedules the next
// attempt or gives up.
func (c *Courier) recordFailure(tx *store.Tx, r result, refusal *notify.Refusal, now time.Time) error {
	outcome := "retry"
	next, worth := again(r.alert.Created, now, r.alert.Attempts, refusal.RetryAfter, rand.Float64())
	var err error
	if refusal.Final || !worth {
		outcome = "refused"
		err = c.giveUp(tx, r, refusal, now)
	} else {
		err = tx.Later(r.alert, next, retryAfter(refusal, now))
	}
	if err != nil {
		return err
	}
	return c.addAttempt(tx, r, store.Attempt{Outcome: outcome, Status: refusal.Status, Detail: refusal.Body})
}

// addAttempt adds an attempt to the history and the metrics.
func (c *Courier) addAttempt(tx *store.Tx, r result, try store.Attempt) error {
	try.Alert, try.N, try.At, try.Took = r.alert.ID, r.alert.Attempts, r.at, r.took
	if err := tx.AddAttempt(try); err != nil {
		return err
	}
	c.Meter.Delivery(r.channel.Kind, try.Outcome, r.took)
	return nil
}

// retryAfter returns until when a provider asked to wait, as far as that is
// honoured, or zero if it did not ask.
func retryAfter(refusal *notify.Refusal, now time.Time) time.Time {
	if refusal.RetryAfter == 0 {
		return time.Time{}
	}
	return now.Add(min(refusal.RetryAfter, longestWish))
}

// remindAgain adds the next reminder, unless the incident is acknowledged or over.
func (c *Courier) remindAgain(tx *store.Tx, r result, now time.Time) error {
	i, err := tx.Incident(r.alert.Project, r.alert.Incident)
	if err != nil {
		return err
	}
	if i.State() != monitor.Open || r.channel.RemindEvery == 0 {
		return tx.Follow(r.alert, now)
	}
	if err := tx.Note(i.ID, "reminder", "Reminded "+r.channel.Name+".", now); err != nil {
		return err
	}
	n, err := tx.Reminders(i.ID, r.channel.ID)
	if err != nil {
		return err
	}
	next := r.alert
	next.Number, next.Created, next.Next, next.Attempts = i.Number, now, now.Add(r.channel.RemindEvery), 0
	return tx.Owe(next, n)
}

// giveUp stops retrying one alert, and says so in the log and on the incident.
func (c *Courier) giveUp(tx *store.Tx, r result, refusal *notify.Refusal, now time.Time) error {
	done, err := tx.GiveUp(r.alert)
	if err != nil || !done {
		return err
	}
	c.Log.Error("delivery failed permanently", "component", "deliver", "alert", r.alert.ID, "channel", r.channel.ID, "kind", r.channel.Kind,
		"event", r.alert.Event, "attempts", r.alert.Attempts, "status", refusal.Status, "reason", loggable(refusal.Body))
	if r.alert.Incident != "" {
		to := r.channel.Name
		if r.alert.Recipient != "" {
			to += " for " + r.alert.Recipient
		}
		if err := tx.Note(r.alert.Incident, "undelivered", "Not delivered to "+to+": "+refusal.Error()+".", now); err != nil {
			return err
		}
	}
	return tx.Follow(r.alert, now)
}
