package deliver

import (
	"errors"
	"math/rand/v2"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// recordResults stores the results of sends.
func (c *Dispatcher) recordResults(tx *store.Tx, results []sendResult, now time.Time) error {
	for _, r := range results {
		if c.poisoned[r.alert.ID] {
			continue // sent again when its lease ends
		}
		if err := c.recordResult(tx, r, now); err != nil {
			return poisonedError{r.alert.ID, err}
		}
	}
	return nil
}

// recordResult stores the result of one send.
func (c *Dispatcher) recordResult(tx *store.Tx, r sendResult, now time.Time) error {
	err := tx.RecordDelivery(r.channel.ID, Results(r.receipt, r.err), r.allRecipients, r.alert.Attempts, now)
	if err != nil {
		return err
	}
	if r.needsSplit() {
		return c.recordSplit(tx, r, now)
	}
	if refusal, refused := SendErrorOf(r.err); refused {
		return c.recordFailure(tx, r, refusal, now)
	}
	return c.recordSent(tx, r, now)
}

// Results returns the results of one attempt: one for each recipient, or one for
// the channel.
func Results(receipt notify.Receipt, err error) []monitor.DeliveryResult {
	refusal, refused := SendErrorOf(err)
	recipients := receipt.Recipients
	if refused {
		recipients = refusal.Recipients
	}
	if len(recipients) == 0 {
		if !refused {
			return []monitor.DeliveryResult{{Delivered: true}}
		}
		return []monitor.DeliveryResult{{Permanent: refusal.Permanent, StatusCode: refusal.Status, Reason: refusal.Reason}}
	}
	var all []monitor.DeliveryResult
	for _, r := range recipients {
		one := monitor.DeliveryResult{Recipient: r.Recipient, Delivered: r.Err == nil}
		if r.Err != nil {
			one.Permanent, one.StatusCode, one.Reason = r.Err.Permanent, r.Err.Status, r.Err.Reason
		}
		all = append(all, one)
	}
	return all
}

// SendErrorOf returns the provider's refusal. It turns any other error into one: the
// alert was not delivered in either case.
func SendErrorOf(err error) (*notify.SendError, bool) {
	if err == nil {
		return nil, false
	}
	var refusal *notify.SendError
	if errors.As(err, &refusal) {
		return refusal, true
	}
	return &notify.SendError{Reason: err.Error()}, true
}

// failedRecipients returns the results for recipients that did not get the alert.
func (r sendResult) failedRecipients() (all []notify.RecipientResult) {
	recipients := r.receipt.Recipients
	if refusal, refused := SendErrorOf(r.err); refused {
		recipients = refusal.Recipients
	}
	for _, one := range recipients {
		if one.Err != nil {
			all = append(all, one)
		}
	}
	return all
}

// needsSplit reports whether the recipients of this attempt must be tried separately
// from now on: some have the alert or will never get it, and others do not have it
// yet. A reminder is not split: the next one follows anyway.
func (r sendResult) needsSplit() bool {
	refusals := r.failedRecipients()
	if len(refusals) == 0 || r.alert.Recipient != "" || r.alert.Event == monitor.IncidentReminder {
		return false
	}
	if r.err == nil || !r.allRecipients {
		return true
	}
	for _, one := range refusals {
		if one.Err.Permanent != refusals[0].Err.Permanent {
			return true
		}
	}
	return false
}

// recordSplit marks the alert as sent for the recipients that have it, and gives
// each of the others a separate alert. If none has it, it becomes that of the first.
func (c *Dispatcher) recordSplit(tx *store.Tx, r sendResult, now time.Time) error {
	used := r.err == nil
	if used {
		var have []string
		for _, one := range r.receipt.Recipients {
			if one.Err == nil {
				have = append(have, one.Recipient)
			}
		}
		if err := tx.MarkSentToRecipients(r.alert.ID, have); err != nil {
			return err
		}
		if err := c.recordSent(tx, r, now); err != nil {
			return err
		}
	}
	for _, one := range r.failedRecipients() {
		part := r
		var err error
		if used {
			part.alert, err = tx.SplitRecipient(r.alert, one.Recipient, r.alert.Attempts, now)
		} else {
			part.alert, err = tx.NarrowToRecipient(r.alert, one.Recipient)
		}
		if err != nil {
			return err
		}
		used = true
		if err := c.recordFailure(tx, part, one.Err, now); err != nil {
			return err
		}
	}
	return nil
}

// recordSent records that an alert was delivered, makes due what waited for it, and
// adds the next reminder after a reminder.
func (c *Dispatcher) recordSent(tx *store.Tx, r sendResult, now time.Time) error {
	first, err := tx.MarkSent(r.alert.ID)
	switch {
	case err != nil:
		return err
	case first && r.alert.Event == monitor.IncidentReminder && r.alert.SplitFrom == "":
		err = c.scheduleReminder(tx, r, now)
	case first:
		err = tx.ReleaseNext(r.alert, now)
	}
	if err != nil {
		return err
	}
	return c.addAttempt(tx, r, store.Attempt{Outcome: "sent", Status: r.receipt.Status, Detail: r.receipt.Detail})
}

// recordFailure records that an alert was not delivered, and schedules the next
// attempt or gives up.
func (c *Dispatcher) recordFailure(tx *store.Tx, r sendResult, refusal *notify.SendError, now time.Time) error {
	outcome := "retry"
	next, worth := nextAttempt(r.alert.Created, now, r.alert.Attempts, refusal.RetryAfter, rand.Float64())
	var err error
	if refusal.Permanent || !worth {
		outcome = "refused"
		err = c.markFailed(tx, r, refusal, now)
	} else {
		err = tx.Reschedule(r.alert, next, retryAfterTime(refusal, now))
	}
	if err != nil {
		return err
	}
	return c.addAttempt(tx, r, store.Attempt{Outcome: outcome, Status: refusal.Status, Detail: refusal.Reason})
}

// addAttempt adds an attempt to the history and the metrics.
func (c *Dispatcher) addAttempt(tx *store.Tx, r sendResult, try store.Attempt) error {
	try.AlertID, try.Number, try.At, try.Took = r.alert.ID, r.alert.Attempts, r.startedAt, r.duration
	if err := tx.AddAttempt(try); err != nil {
		return err
	}
	c.Metrics.Delivery(r.channel.Kind, try.Outcome, r.duration)
	return nil
}

// retryAfterTime returns until when a provider asked to wait, as far as that is
// honoured, or zero if it did not ask.
func retryAfterTime(refusal *notify.SendError, now time.Time) time.Time {
	if refusal.RetryAfter == 0 {
		return time.Time{}
	}
	return now.Add(min(refusal.RetryAfter, maxRetryAfter))
}

// scheduleReminder adds the next reminder, unless the incident is acknowledged or over.
func (c *Dispatcher) scheduleReminder(tx *store.Tx, r sendResult, now time.Time) error {
	i, err := tx.Incident(r.alert.Project, r.alert.Incident)
	if err != nil {
		return err
	}
	if i.State() != monitor.StateOpen || r.channel.RemindEvery == 0 {
		return tx.ReleaseNext(r.alert, now)
	}
	if err := tx.AddTimelineEntry(i.ID, "reminder", "Reminded "+r.channel.Name+".", now); err != nil {
		return err
	}
	n, err := tx.CountReminders(i.ID, r.channel.ID)
	if err != nil {
		return err
	}
	next := r.alert
	next.IncidentNumber, next.Created, next.NextAttempt, next.Attempts = i.Number, now, now.Add(r.channel.RemindEvery), 0
	return tx.Enqueue(next, n)
}

// markFailed stops retrying one alert, and says so in the log and on the incident.
func (c *Dispatcher) markFailed(tx *store.Tx, r sendResult, refusal *notify.SendError, now time.Time) error {
	done, err := tx.MarkFailed(r.alert)
	if err != nil || !done {
		return err
	}
	c.Log.Error("delivery failed permanently", "component", "deliver", "alert", r.alert.ID, "channel", r.channel.ID, "kind", r.channel.Kind,
		"event", r.alert.Event, "attempts", r.alert.Attempts, "status", refusal.Status, "reason", redactForLog(refusal.Reason))
	if r.alert.Incident != "" {
		to := r.channel.Name
		if r.alert.Recipient != "" {
			to += " for " + r.alert.Recipient
		}
		if err := tx.AddTimelineEntry(r.alert.Incident, "undelivered", "Not delivered to "+to+": "+refusal.Error()+".", now); err != nil {
			return err
		}
	}
	return tx.ReleaseNext(r.alert, now)
}
