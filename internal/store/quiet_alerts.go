package store

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"overdue/internal/monitor"
)

// SaveMute stores until when the alerts of a heartbeat are muted, and lets the alerts that an earlier
// mute holds back be attempted at now: those that the new mute holds back wait again then. Reminders
// wait for no longer than their channel asks for.
func (tx *Tx) SaveMute(h monitor.Heartbeat, now time.Time) error {
	if _, err := tx.exec(`UPDATE heartbeats SET muted_until = $2 WHERE key = $1`, h.Key, micros(h.MutedUntil)); err != nil {
		return fmt.Errorf("save mute of heartbeat: %w", err)
	}
	tx.changes.declareHeartbeat(h.Project, h.Key)
	if err := tx.ReleaseHeld(h, now); err != nil || !h.Muted(now) {
		return err
	}
	// The message about a group names no heartbeat that was muted before it was sent.
	_, err := tx.exec(`UPDATE alerts SET carrier = NULL, next_at = $2 WHERE heartbeat = $1 AND state = 'pending' AND attempts = 0 AND carrier <> ''
		AND event <> 'incident.resolved'`, h.Key, micros(now))
	if err != nil {
		return fmt.Errorf("remove muted heartbeat from groups: %w", err)
	}
	return nil
}

// ReleaseHeld lets the alerts of a heartbeat that a mute or flapping holds back be attempted at now. The
// dispatcher holds them back again if it must.
func (tx *Tx) ReleaseHeld(h monitor.Heartbeat, now time.Time) error {
	// It updates alerts that no mute holds back, too, without a change. So it waits for a delivery run
	// that has just claimed one of them and still sees the earlier mute.
	_, err := tx.exec(`UPDATE alerts SET asked = 0, created = CASE WHEN asked > $2 THEN $2 ELSE created END,
		next_at = CASE WHEN asked <= $2 THEN next_at WHEN event = $3 AND next_at > asked
			THEN $2 + (SELECT c.remind_every FROM channels c WHERE c.id = alerts.channel) ELSE $2 END
		WHERE heartbeat = $1 AND state = 'pending' AND attempts = 0 AND NOT (`+isStep+`)`, h.Key, micros(now), string(monitor.IncidentReminder))
	if err != nil {
		return fmt.Errorf("release muted alerts: %w", err)
	}
	return tx.releaseSteps(h.Key, now)
}

// isStep is the condition that a later step of a policy sends the alert, see monitor.Escalation.
const isStep = `about LIKE 'step %' AND event IN ('incident.opened', 'incident.reminder')`

// releaseSteps moves the steps of policies that a mute holds back to their time, counted from when the
// opening of the incident became pending.
func (tx *Tx) releaseSteps(heartbeat int64, now time.Time) error {
	type step struct {
		monitor.Alert
		asked, opened time.Time
	}
	steps, err := queryAll(tx, func(row scanner) (s step, err error) {
		var asked, opened sql.NullInt64
		err = row.Scan(&s.ID, &s.Event, &s.Subject, &asked, &opened)
		s.asked, s.opened = timeFromMicros(asked), timeFromMicros(opened)
		return s, err
	}, `SELECT id, event, about, asked, (SELECT MIN(o.created) FROM alerts o WHERE o.incident = alerts.incident AND o.event = $2 AND o.about = '')
		FROM alerts WHERE heartbeat = $1 AND state = 'pending' AND attempts = 0 AND asked > $3 AND `+isStep+tx.d.ForUpdate,
		heartbeat, string(monitor.IncidentOpened), micros(now))
	if err != nil {
		return fmt.Errorf("steps of policies: %w", err)
	}
	for _, s := range steps {
		e, _ := s.Escalation()
		at := s.opened.Add(e.After + e.RepeatEvery)
		if at.Before(now) {
			at = now
		}
		asked := at.UnixMicro()
		if s.Event == monitor.IncidentReminder {
			asked = 0
		}
		if _, err := tx.exec(`UPDATE alerts SET next_at = $2, created = $2, asked = $3 WHERE id = $1`, s.ID, micros(at), asked); err != nil {
			return fmt.Errorf("release steps of policies: %w", err)
		}
	}
	return nil
}

// deleteSteps deletes the openings that later steps of a policy would send to channels and that were not
// attempted: these channels are notified now.
func (tx *Tx) deleteSteps(incident string, channels []string) error {
	_, err := tx.exec(`DELETE FROM alerts WHERE incident = $1 AND event = 'incident.opened' AND state = 'pending' AND attempts = 0
		AND `+isStep+` AND `+tx.d.InList("channel", "$2"), incident, tx.d.TextList(channels))
	if err != nil {
		return fmt.Errorf("delete steps of policies: %w", err)
	}
	return nil
}

// Hold makes a claimed alert that was not attempted yet wait until the given time, as if it had never
// been claimed.
func (tx *Tx) Hold(a monitor.Alert, until time.Time) error {
	_, err := tx.exec(`UPDATE alerts SET next_at = $3, asked = $3, created = $3, attempts = attempts - 1, holder = NULL,
			carrier = CASE WHEN recipient = '' THEN NULL ELSE carrier END
		WHERE id = $1 AND state = 'pending' AND attempts = $2`, a.ID, a.Attempts, micros(until))
	if err != nil {
		return fmt.Errorf("hold alert: %w", err)
	}
	return nil
}

// deleteHeldAlerts deletes the alerts about the opening of an incident that a mute held back, and
// those that would follow them: the incident is over. It returns the number of openings.
func (tx *Tx) deleteHeldAlerts(incident string) (int, error) {
	channels, err := queryAll(tx, func(row scanner) (c string, err error) { return c, row.Scan(&c) },
		`DELETE FROM alerts WHERE incident = $1 AND event = $2 AND state = 'pending' AND attempts = 0 AND `+isNotInFlight+` RETURNING channel`,
		incident, string(monitor.IncidentOpened))
	if err != nil || len(channels) == 0 {
		return 0, err
	}
	_, err = tx.exec(`DELETE FROM alerts WHERE incident = $1 AND state = 'pending' AND attempts = 0 AND `+tx.d.InList("channel", "$2"),
		incident, tx.d.TextList(channels))
	if err != nil {
		return 0, fmt.Errorf("delete held alerts: %w", err)
	}
	return len(channels), nil
}

// SendElsewhere sends the openings among alerts that a deleted channel did not receive to the channels
// that their heartbeats have now, if the incident is open. A channel that has the opening already gets
// it once. Later steps of a policy that were not attempted are left out: the channels of the first step
// know of the incident.
func (tx *Tx) SendElsewhere(alerts []monitor.Alert, now time.Time) error {
	alerts = slices.DeleteFunc(alerts, func(a monitor.Alert) bool {
		_, step := a.Escalation()
		return a.Event != monitor.IncidentOpened || a.Incident == "" || step && a.Attempts == 0
	})
	if len(alerts) == 0 {
		return nil
	}
	var ids []string
	var keys []int64
	for _, a := range alerts {
		ids, keys = append(ids, a.Incident), append(keys, a.Heartbeat)
	}
	incidents, err := tx.IncidentsOfAlerts(ids)
	if err != nil {
		return err
	}
	heartbeats, err := tx.HeartbeatsOfAlerts(keys)
	if err != nil {
		return err
	}
	var who monitor.Audience
	if who.Channels, err = tx.ChannelRoutes(alerts[0].Project); err != nil {
		return err
	}
	if who.Policies, err = tx.Policies(alerts[0].Project); err != nil {
		return err
	}
	var rows [][]any
	for _, a := range alerts {
		i, h := incidents[a.Incident], heartbeats[a.Heartbeat]
		if i.State() == monitor.StateResolved {
			continue
		}
		var first []string // channels of the first step, or all of a heartbeat without a policy
		for _, n := range h.NotificationPlan(who) {
			if n.After > 0 && (n.Escalation.Step > 0 || i.State() != monitor.StateOpen) {
				continue // the later steps of a policy are pending already, and an acknowledgement ends reminders
			}
			one := monitor.Alert{
				Project: a.Project, Channel: n.Channel.ID, Event: n.Event, Heartbeat: h.Key, Incident: i.ID, IncidentNumber: i.Number,
				Severity: h.Severity, Created: now, NextAttempt: now.Add(n.After),
			}
			if h.Muted(now) {
				one = one.HeldUntil(h.MutedUntil, now)
			} // if it flaps, the dispatcher holds the alert back
			one.ID = alertID(one, 0)
			rows = append(rows, alertRow(one, false))
			if n.After == 0 {
				first = append(first, one.Channel)
			}
		}
		if err := tx.deleteSteps(i.ID, first); err != nil {
			return err
		}
	}
	if err := tx.insertBatch(&alertBatch, rows); err != nil {
		return fmt.Errorf("send to other channels: %w", err)
	}
	return nil
}

// deletePlainReminders deletes the reminders that no policy sends and that were not attempted yet.
func (tx *Tx) deletePlainReminders(incident string) error {
	_, err := tx.exec(`DELETE FROM alerts WHERE incident = $1 AND event = $2 AND state = 'pending' AND attempts = 0 AND NOT (`+isStep+`)`,
		incident, string(monitor.IncidentReminder))
	if err != nil {
		return fmt.Errorf("delete reminders: %w", err)
	}
	return nil
}

// moveSteps moves the steps of policies that are due before a time, and were not attempted, to that time.
func (tx *Tx) moveSteps(incident string, to time.Time) error {
	_, err := tx.exec(`UPDATE alerts SET next_at = $2, created = $2, carrier = NULL, asked = CASE WHEN event = $3 THEN $2 ELSE asked END
		WHERE incident = $1 AND state = 'pending' AND attempts = 0 AND (next_at < $2 OR carrier <> '') AND `+isNotInFlight+` AND `+isStep, incident, micros(to), string(monitor.IncidentOpened))
	if err != nil {
		return fmt.Errorf("move steps of policies: %w", err)
	}
	return nil
}

// snoozeEndedText is the entry on the timeline when a snooze ends by time.
const snoozeEndedText = "The snooze ended."

// SnoozeIncident stops the reminders of an open incident until the given time, and reminds the channels
// that were notified of it once then. It reports false if the incident is acknowledged or resolved.
func (tx *Tx) SnoozeIncident(i monitor.Incident, by string, until, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE incidents SET snoozed_until = $2 WHERE id = $1 AND acknowledged IS NULL AND resolved IS NULL`, i.ID, micros(until))
	if err != nil || n == 0 {
		return false, err
	}
	if i.SnoozeEnded(now) { // the row has only the last snooze
		if err := tx.AddTimelineEntry(i.ID, "snoozed", snoozeEndedText, i.SnoozedUntil); err != nil {
			return false, err
		}
	}
	if err := tx.AddTimelineEntry(i.ID, "snoozed", "Snoozed by "+by+" until "+until.UTC().Format("2006-01-02 15:04:05 UTC")+".", now); err != nil {
		return false, err
	}
	if err := tx.deletePlainReminders(i.ID); err != nil {
		return false, err
	}
	if err := tx.moveSteps(i.ID, until); err != nil {
		return false, err
	}
	notified, err := tx.notifiedChannels(i.ID)
	if err != nil {
		return false, err
	}
	var rows [][]any
	for _, channel := range notified[i.ID] {
		a := monitor.Alert{
			Project: i.Project, Channel: channel, Event: monitor.IncidentReminder, Heartbeat: i.Heartbeat,
			Incident: i.ID, IncidentNumber: i.Number, Subject: monitor.SnoozeReminder, Severity: i.Severity, Created: until, NextAttempt: until,
		}
		a.ID = alertID(a, int(now.UnixMicro())) // no other reminder has such a high number; a snooze can end at the same time as an earlier one
		rows = append(rows, alertRow(a, false))
	}
	return true, tx.insertBatch(&alertBatch, rows)
}

// UnsnoozeIncident ends a snooze now, with the reminder that ends it. It reports false if the incident is
// not snoozed.
func (tx *Tx) UnsnoozeIncident(i monitor.Incident, by string, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE incidents SET snoozed_until = NULL WHERE id = $1 AND snoozed_until > $2 AND acknowledged IS NULL AND resolved IS NULL`, i.ID, micros(now))
	if err != nil || n == 0 {
		return false, err
	}
	if err := tx.AddTimelineEntry(i.ID, "snoozed", "Snooze ended by "+by+".", now); err != nil {
		return false, err
	}
	// The reminder, and the steps of a policy that wait for the end of the snooze.
	_, err = tx.exec(`UPDATE alerts SET next_at = $2, created = $2, asked = 0 WHERE incident = $1 AND state = 'pending' AND attempts = 0 AND next_at > $2
		AND (about = $4 AND event = $3 OR next_at = $5 AND `+isStep+`)`,
		i.ID, micros(now), string(monitor.IncidentReminder), monitor.SnoozeReminder, micros(i.SnoozedUntil))
	if err != nil {
		return false, fmt.Errorf("remind after snooze: %w", err)
	}
	return true, nil
}
