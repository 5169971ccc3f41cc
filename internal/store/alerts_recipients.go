package store

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
)

// SplitRecipients returns the recipients of an alert that have a separate alert,
// split from this one.
func (tx *Tx) SplitRecipients(alert string) ([]string, error) {
	found, err := queryAll(tx, func(row scanner) (r string, err error) { return r, row.Scan(&r) },
		`SELECT recipient FROM alerts WHERE parent = $1`, alert)
	if err != nil {
		return nil, fmt.Errorf("recipients of split alert: %w", err)
	}
	return found, nil
}

// RecipientsWithEarlierAlerts returns the recipients that an earlier alert of the same
// heartbeat and channel is still pending for, and when its next attempt is.
func (tx *Tx) RecipientsWithEarlierAlerts(a monitor.Alert) (map[string]time.Time, error) {
	waiting := map[string]time.Time{}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var recipient string
		var next sql.NullInt64
		err := row.Scan(&recipient, &next)
		waiting[recipient] = timeFromMicros(next)
		return struct{}{}, err
	}, `SELECT e.recipient, MAX(e.next_at) FROM alerts e WHERE e.heartbeat = $1 AND e.channel = $2 AND e.state = 'pending' AND e.recipient <> ''
		AND e.turn BETWEEN 1 AND (SELECT d.turn FROM alerts d WHERE d.id = $3) - 1 GROUP BY e.recipient`, a.Heartbeat, a.Channel, a.ID)
	if err != nil {
		return nil, fmt.Errorf("recipients with earlier alerts: %w", err)
	}
	return waiting, nil
}

// SplitRecipient creates a separate alert for one recipient of an alert, with the given
// number of attempts so far and the time of the next one. Its id is derived from the
// alert and the recipient, so that splitting twice, or on two nodes, changes nothing.
func (tx *Tx) SplitRecipient(a monitor.Alert, recipient string, attempts int, next time.Time) (monitor.Alert, error) {
	part := a
	part.ID = uuid.NewSHA1(alertIDNamespace, []byte(a.ID+"/"+recipient)).String()
	part.SplitFrom, part.Recipient, part.State, part.Attempts, part.NextAttempt = a.ID, recipient, monitor.AlertPending, attempts, next
	_, err := tx.exec(`INSERT INTO alerts (id, project, channel, event, turn, heartbeat, incident, about, state, attempts, created, next_at,
			asked, recipient, parent)
		SELECT CAST($2 AS TEXT), project, channel, event, turn, heartbeat, incident, about, 'pending', CAST($4 AS BIGINT), created, CAST($5 AS BIGINT),
			0, CAST($3 AS TEXT), id FROM alerts WHERE id = $1
		ON CONFLICT (id) DO NOTHING`, a.ID, part.ID, recipient, attempts, micros(next))
	if err != nil {
		return part, fmt.Errorf("split alert: %w", err)
	}
	return part, nil
}

// NarrowToRecipient makes a pending alert that reached none of its recipients the alert of
// one of them. It does nothing when another node has claimed it since.
func (tx *Tx) NarrowToRecipient(a monitor.Alert, recipient string) (monitor.Alert, error) {
	_, err := tx.exec(`UPDATE alerts SET recipient = $3 WHERE id = $1 AND state = 'pending' AND attempts = $2`, a.ID, a.Attempts, recipient)
	if err != nil {
		return a, fmt.Errorf("narrow alert: %w", err)
	}
	a.Recipient = recipient
	return a, nil
}

// MarkSentToRecipients marks the alerts that were split from another one as sent, for
// recipients that got it meanwhile: another node had sent it too.
func (tx *Tx) MarkSentToRecipients(alert string, recipients []string) error {
	_, err := tx.exec(`UPDATE alerts SET state = 'sent', holder = NULL WHERE parent = $1 AND state = 'pending' AND `+tx.d.inList("recipient", "$2"),
		alert, tx.d.textList(slices.Clone(recipients)))
	if err != nil {
		return fmt.Errorf("mark split alerts as sent: %w", err)
	}
	return nil
}
