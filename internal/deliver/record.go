package deliver

import (
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// recordResults stores the results of sends. Those of channels on which every send
// succeeded are stored together.
func (c *Dispatcher) recordResults(tx *store.Tx, results []sendResult, now time.Time) error {
	together, apart := results[:0:0], results
	if !c.oneByOne {
		together, apart = separateSent(results)
	}
	if err := c.recordAllSent(tx, together, now); err != nil {
		return err
	}
	for _, r := range apart {
		if c.poisoned[r.alert.ID] {
			continue // another attempt follows when its lease ends
		}
		if err := c.recordResult(tx, r, now); err != nil {
			return poisonedError{r.alert.ID, err}
		}
	}
	return c.adoptSettings(tx, results, now)
}

// separateSent returns the results of channels on which every send succeeded for the
// whole channel, and all others. The order of the results of a channel decides whether
// it works.
func separateSent(results []sendResult) (sent, others []sendResult) {
	mixed := map[string]bool{}
	for _, r := range results {
		if _, step := r.alert.Escalation(); step || r.err != nil || len(r.receipt.Recipients) > 0 || r.alert.Event == monitor.IncidentReminder {
			mixed[r.channel.ID] = true
		}
	}
	for _, r := range results {
		if mixed[r.channel.ID] {
			others = append(others, r)
		} else {
			sent = append(sent, r)
		}
	}
	return sent, others
}

// recordAllSent stores results of sends that succeeded for the whole channel.
func (c *Dispatcher) recordAllSent(tx *store.Tx, results []sendResult, now time.Time) error {
	if len(results) == 0 {
		return nil
	}
	ids, attempts := make([]string, len(results)), make([]store.Attempt, len(results))
	recorded := map[string]bool{}
	for i, r := range results {
		ids[i] = r.alert.ID
		attempts[i] = r.attempt(store.Attempt{Outcome: "sent", Status: r.receipt.Status, Detail: r.receipt.Detail})
		if recorded[r.channel.ID] {
			continue
		}
		recorded[r.channel.ID] = true
		if err := tx.RecordDelivery(r.channel.ID, Results(r.receipt, nil), r.allRecipients, r.alert.Attempts, now); err != nil {
			return err
		}
	}
	if _, err := tx.MarkAllSent(ids, now); err != nil {
		return err
	}
	if err := tx.AddAttempts(attempts); err != nil {
		return err
	}
	if err := tx.AddThreads(threadsOf(results...)); err != nil {
		return err
	}
	for _, r := range results {
		if err := c.finishGroup(tx, r, nil, now); err != nil {
			return err
		}
		c.countAttempt(r, "sent")
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
	if failure, failed := SendErrorOf(r.err); failed {
		return c.recordFailure(tx, r, failure, now)
	}
	return c.recordSent(tx, r, now)
}

// Results returns the results of one attempt: one per recipient, or one for the
// channel.
func Results(receipt notify.Receipt, err error) []monitor.DeliveryResult {
	failure, failed := SendErrorOf(err)
	recipients := receipt.Recipients
	if failed {
		recipients = failure.Recipients
	}
	if len(recipients) == 0 {
		if !failed {
			return []monitor.DeliveryResult{{Delivered: true}}
		}
		return []monitor.DeliveryResult{{Permanent: failure.Permanent, StatusCode: failure.Status, Reason: failure.Reason}}
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

// SendErrorOf returns err as a *notify.SendError. It converts other errors: in both
// cases the alert was not delivered.
func SendErrorOf(err error) (*notify.SendError, bool) {
	if err == nil {
		return nil, false
	}
	var failure *notify.SendError
	if errors.As(err, &failure) {
		return failure, true
	}
	return &notify.SendError{Reason: err.Error()}, true
}

// failedRecipients returns the results for recipients that did not get the alert.
func (r sendResult) failedRecipients() (all []notify.RecipientResult) {
	recipients := r.receipt.Recipients
	if failure, failed := SendErrorOf(r.err); failed {
		recipients = failure.Recipients
	}
	for _, one := range recipients {
		if one.Err != nil {
			all = append(all, one)
		}
	}
	return all
}

// needsSplit reports whether the recipients need separate alerts from now on,
// because their results differ. A reminder is not split: the next one follows
// anyway.
func (r sendResult) needsSplit() bool {
	failures := r.failedRecipients()
	if len(failures) == 0 || r.alert.Recipient != "" || r.alert.Event == monitor.IncidentReminder {
		return false
	}
	if r.err == nil || !r.allRecipients {
		return true
	}
	for _, one := range failures {
		if one.Err.Permanent != failures[0].Err.Permanent {
			return true
		}
	}
	return false
}

// recordSplit marks the alert as sent for the recipients that accepted it, and
// creates a separate alert for each other recipient. If no one accepted it, the
// alert becomes that of the first recipient.
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
	failed := r.failedRecipients()
	parts := make([]sendResult, len(failed))
	for n, one := range failed { // all before any fails: a group fails when no part is pending
		var err error
		parts[n] = r
		if used {
			parts[n].alert, err = tx.SplitRecipient(r.alert, one.Recipient, r.alert.Attempts, now)
		} else {
			parts[n].alert, err = tx.NarrowToRecipient(r.alert, one.Recipient)
		}
		if err != nil {
			return err
		}
		used = true
	}
	for n, one := range failed {
		if err := c.recordFailure(tx, parts[n], one.Err, now); err != nil {
			return err
		}
	}
	return nil
}

// recordSent marks an alert as sent and releases the next alert of its heartbeat
// and channel. After a reminder, it schedules the next reminder.
func (c *Dispatcher) recordSent(tx *store.Tx, r sendResult, now time.Time) error {
	first, err := tx.MarkSent(r.alert.ID)
	switch {
	case err != nil:
		return err
	case first && r.alert.Event == monitor.IncidentReminder && r.alert.SplitFrom == "":
		err = c.scheduleReminder(tx, r, now)
	case first:
		if e, step := r.alert.Escalation(); step && r.alert.Event == monitor.IncidentOpened && r.alert.SplitFrom == "" {
			err = tx.AddTimelineEntry(r.alert.Incident, "escalation", "Notified "+r.channel.Name+": "+e.Explain()+".", now)
		}
		if err == nil {
			err = tx.ReleaseNext(r.alert, now)
		}
	}
	if err != nil {
		return err
	}
	if err := c.finishGroup(tx, r, nil, now); err != nil {
		return err
	}
	if err := tx.AddThreads(threadsOf(r)); err != nil {
		return err
	}
	return c.addAttempt(tx, r, store.Attempt{Outcome: "sent", Status: r.receipt.Status, Detail: r.receipt.Detail})
}

// recordFailure schedules the next attempt, or marks the alert as failed.
func (c *Dispatcher) recordFailure(tx *store.Tx, r sendResult, failure *notify.SendError, now time.Time) error {
	outcome := "retry"
	next, worth := nextAttempt(r.alert.Created, now, r.alert.Attempts, failure.RetryAfter, rand.Float64())
	var err error
	if failure.Permanent || !worth {
		outcome = "refused"
		err = c.markFailed(tx, r, failure, now)
	} else {
		err = c.reschedule(tx, r, next, failure, now)
	}
	if err != nil {
		return err
	}
	return c.addAttempt(tx, r, store.Attempt{Outcome: outcome, Status: failure.Status, Detail: failure.Reason})
}

// reschedule schedules the next attempt. A receiver that asks to wait means all alerts of
// its channel, so the channel pauses.
func (c *Dispatcher) reschedule(tx *store.Tx, r sendResult, next time.Time, failure *notify.SendError, now time.Time) error {
	asked := retryAfterTime(failure, now)
	if err := tx.Reschedule(r.alert, next, asked); err != nil {
		return err
	}
	if asked.IsZero() || failure.Uncertain || r.alert.Recipient != "" {
		return nil
	}
	return tx.PauseChannel(r.channel.ID, asked)
}

// addAttempt adds an attempt to the history and the metrics.
func (c *Dispatcher) addAttempt(tx *store.Tx, r sendResult, try store.Attempt) error {
	if err := tx.AddAttempt(r.attempt(try)); err != nil {
		return err
	}
	c.countAttempt(r, try.Outcome)
	return nil
}

// attempt completes an attempt.
func (r sendResult) attempt(try store.Attempt) store.Attempt {
	try.AlertID, try.Number, try.At, try.Took = r.alert.ID, r.alert.Attempts, r.startedAt, r.duration
	return try
}

// countAttempt adds an attempt to the metrics.
func (c *Dispatcher) countAttempt(r sendResult, outcome string) {
	if r.channel.Kind != store.CanaryKind {
		c.Metrics.Delivery(r.channel.Kind, outcome, r.duration)
	}
}

// retryAfterTime returns the time of a Retry-After, limited to the honored
// maximum, or the zero time if there was none.
func retryAfterTime(failure *notify.SendError, now time.Time) time.Time {
	if failure.RetryAfter == 0 {
		return time.Time{}
	}
	return now.Add(min(failure.RetryAfter, maxRetryAfter))
}

// scheduleReminder schedules the next reminder while the incident is open and not
// acknowledged. The step of a policy that sent the reminder decides, otherwise the channel.
func (c *Dispatcher) scheduleReminder(tx *store.Tx, r sendResult, now time.Time) error {
	i, err := tx.Incident(r.alert.Project, r.alert.Incident)
	if err != nil {
		return err
	}
	every, why := reminderAfter(r.alert, r.channel)
	_, ofPolicy := r.alert.Escalation()
	ended := r.alert.Subject == monitor.SnoozeReminder
	if i.State() != monitor.StateOpen || every == 0 && !ofPolicy && !ended {
		return tx.ReleaseNext(r.alert, now)
	}
	if err := tx.AddTimelineEntry(i.ID, "reminder", "Reminded "+r.channel.Name+why+".", now); err != nil {
		return err
	}
	next, again := nextReminder(r.alert, i, every, now)
	if !again {
		return tx.ReleaseNext(r.alert, now)
	}
	n, err := tx.CountReminders(i.ID, r.channel.ID)
	if err != nil {
		return err
	}
	return tx.Enqueue(next, n)
}

// reminderAfter returns the time from a reminder to the next one, 0 if none follows, and why it was sent, as a part of a sentence.
func reminderAfter(a monitor.Alert, c monitor.Channel) (every time.Duration, why string) {
	step, ofPolicy := a.Escalation()
	switch {
	case ofPolicy:
		return step.RepeatEvery, ": " + step.Explain()
	case a.Subject == monitor.SnoozeReminder:
		return c.RemindEvery, ": the snooze ended"
	}
	return c.RemindEvery, ""
}

// nextReminder returns the reminder that follows one that was sent, and false if none does: a step that does not repeat, or the
// end of a snooze that has its reminder already.
func nextReminder(a monitor.Alert, i monitor.Incident, every time.Duration, now time.Time) (next monitor.Alert, again bool) {
	if _, ofPolicy := a.Escalation(); every == 0 || i.Snoozed(now) && !ofPolicy {
		return next, false
	}
	next = a
	if a.Subject == monitor.SnoozeReminder {
		next.Subject = ""
	}
	next.IncidentNumber, next.Created, next.NextAttempt, next.Attempts = i.Number, now, now.Add(every), 0
	if next.NextAttempt.Before(i.SnoozedUntil) { // a step of a policy
		next.NextAttempt = i.SnoozedUntil
	}
	return next, true
}

// markFailed marks an alert as failed, and reports it in the log and on the incident.
func (c *Dispatcher) markFailed(tx *store.Tx, r sendResult, failure *notify.SendError, now time.Time) error {
	done, err := tx.MarkFailed(r.alert)
	if err != nil || !done {
		return err
	}
	c.Log.Error("delivery failed permanently", "component", "deliver", "alert", r.alert.ID, "channel", r.channel.ID, "kind", r.channel.Kind,
		"event", r.alert.Event, "attempts", r.alert.Attempts, "status", failure.Status, "reason", redactForLog(failure.Reason))
	if r.alert.Incident != "" {
		to := r.channel.Name
		if r.alert.Recipient != "" {
			to += " for " + r.alert.Recipient
		}
		if err := tx.AddTimelineEntry(r.alert.Incident, "undelivered", undeliveredText(to, failure), now); err != nil {
			return err
		}
	}
	if err := c.finishGroup(tx, r, failure, now); err != nil {
		return err
	}
	return tx.ReleaseNext(r.alert, now)
}

// undeliveredText returns the sentence for the timeline of an incident. A reason can end
// with a full stop, because pages show it alone.
func undeliveredText(to string, failure *notify.SendError) string {
	reason := failure.Reason
	if failure.Status != 0 {
		reason = failure.Error()
	}
	text := strings.TrimSuffix("Not delivered to "+to+": "+strings.TrimSpace(reason), ": ")
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "…") {
		return text
	}
	return text + "."
}
