package deliver

import (
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// resolveRecipients finds out which recipients of the channel an attempt is for.
// Recipients that still wait for earlier news of the heartbeat get a separate
// alert, so that they get both in order and the others get this one now. ok is
// false if no recipient is left.
func (c *Courier) resolveRecipients(tx *store.Tx, e *errand, now time.Time) (ok bool, err error) {
	all := notify.Recipients(e.channel.Kind, notify.Settings(e.channel.Settings))
	a := e.alert
	switch {
	case len(all) == 0:
		e.whole = true
		return true, nil
	case a.Recipient != "":
		e.whole, e.news.Recipients = len(all) == 1, []string{a.Recipient}
		if slices.Contains(all, a.Recipient) {
			return true, nil
		}
		if _, err := tx.GiveUp(a); err != nil { // the recipient was removed from the channel
			return false, err
		}
		return false, tx.Follow(a, now)
	}
	apart, err := tx.SplitRecipients(a.ID)
	if err != nil {
		return false, err
	}
	waiting, err := tx.WaitingRecipients(a)
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
			e.news.Recipients = append(e.news.Recipients, recipient)
		}
	}
	e.whole = len(e.news.Recipients) == len(all)
	if a.Event == monitor.IncidentReminder {
		return remindable(tx, e, behind, waiting)
	}
	return len(e.news.Recipients) > 0, c.splitBehind(tx, *e, behind, waiting, now)
}

// remindable leaves out recipients that did not even get the opening alert:
// reminders would pile up for them. If none is left, the reminder waits.
func remindable(tx *store.Tx, e *errand, behind []string, waiting map[string]time.Time) (bool, error) {
	if len(e.news.Recipients) > 0 || len(behind) == 0 {
		return len(e.news.Recipients) > 0, nil
	}
	return false, tx.Later(e.alert, waiting[behind[0]].Add(time.Second), time.Time{})
}

// splitBehind gives each recipient that waits for earlier news a separate alert,
// without an attempt.
func (c *Courier) splitBehind(tx *store.Tx, e errand, behind []string, waiting map[string]time.Time, now time.Time) error {
	if len(behind) == 0 && len(e.news.Recipients) == 0 { // all have a separate alert
		if _, err := tx.Sent(e.alert.ID); err != nil {
			return err
		}
		return tx.Follow(e.alert, now)
	}
	for n, recipient := range behind {
		if n == 0 && len(e.news.Recipients) == 0 {
			narrow, err := tx.Narrow(e.alert, recipient)
			if err != nil {
				return err
			}
			if err := tx.Later(narrow, waiting[recipient], time.Time{}); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.SplitOff(e.alert, recipient, 0, waiting[recipient]); err != nil {
			return err
		}
	}
	return nil
}
