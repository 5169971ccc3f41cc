package deliver

import (
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// resolveRecipients determines the recipients of an attempt. Recipients with an
// earlier pending alert of the heartbeat get a separate alert: they receive both
// in order, and the others are not delayed. ok is false if no recipient is left.
func (c *Dispatcher) resolveRecipients(tx *store.Tx, e *delivery, now time.Time) (ok bool, err error) {
	all := notify.Recipients(e.channel.Kind, setting.Values(e.channel.Settings))
	a := e.alert
	switch {
	case len(all) == 0:
		e.allRecipients = true
		return true, nil
	case a.Recipient != "":
		e.allRecipients, e.notification.Recipients = len(all) == 1, []string{a.Recipient}
		if slices.Contains(all, a.Recipient) {
			return true, nil
		}
		if _, err := tx.MarkFailed(a); err != nil { // the recipient was removed from the channel
			return false, err
		}
		if err := c.finishGroup(tx, sendResult{delivery: *e}, &notify.SendError{Reason: a.Recipient + " is no longer a recipient"}, now); err != nil {
			return false, err
		}
		return false, tx.ReleaseNext(a, now)
	}
	apart, err := tx.SplitRecipients(a.ID)
	if err != nil {
		return false, err
	}
	waiting, err := tx.RecipientsWithEarlierAlerts(a)
	if err != nil {
		return false, err
	}
	var behind []string
	for _, recipient := range all {
		switch _, waits := waiting[recipient]; {
		case slices.Contains(apart, recipient):
		case waits:
			behind = append(behind, recipient)
		default:
			e.notification.Recipients = append(e.notification.Recipients, recipient)
		}
	}
	e.allRecipients = len(e.notification.Recipients) == len(all)
	if a.Event == monitor.IncidentReminder {
		return canRemind(tx, e, behind, waiting)
	}
	return len(e.notification.Recipients) > 0, c.splitWaiting(tx, *e, behind, waiting, now)
}

// canRemind reports whether a reminder has recipients. Recipients without the
// opening alert get no reminder, because reminders would pile up for them. If
// there are no others, the reminder is rescheduled.
func canRemind(tx *store.Tx, e *delivery, behind []string, waiting map[string]time.Time) (bool, error) {
	if len(e.notification.Recipients) > 0 || len(behind) == 0 {
		return len(e.notification.Recipients) > 0, nil
	}
	return false, tx.Reschedule(e.alert, waiting[behind[0]].Add(time.Second), time.Time{})
}

// splitWaiting creates a separate alert for each recipient with an earlier
// pending alert. This counts as no attempt.
func (c *Dispatcher) splitWaiting(tx *store.Tx, e delivery, behind []string, waiting map[string]time.Time, now time.Time) error {
	if len(behind) == 0 && len(e.notification.Recipients) == 0 { // all have a separate alert
		if _, err := tx.MarkSent(e.alert.ID); err != nil {
			return err
		}
		// The members of a group whose parts all failed while it was pending: nothing else ends them.
		if err := c.finishGroup(tx, sendResult{delivery: e}, &notify.SendError{Reason: "no recipient received it"}, now); err != nil {
			return err
		}
		return tx.ReleaseNext(e.alert, now)
	}
	for n, recipient := range behind {
		if n == 0 && len(e.notification.Recipients) == 0 {
			narrow, err := tx.NarrowToRecipient(e.alert, recipient)
			if err != nil {
				return err
			}
			if err := tx.Reschedule(narrow, waiting[recipient], time.Time{}); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.SplitRecipient(e.alert, recipient, 0, waiting[recipient]); err != nil {
			return err
		}
	}
	return nil
}
