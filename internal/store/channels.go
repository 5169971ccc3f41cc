package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"overdue/internal/monitor"
)

// channelColumns are in the order of scanChannel.
const channelColumns = `id, project, kind, name, settings, notify_on_late, notify_on_recovery, remind_every, failing, last_delivery, created, revision`

// scanChannel reads channelColumns.
func (tx *Tx) scanChannel(row scanner) (monitor.Channel, error) {
	c, settings, err := scanSealedChannel(row)
	if err != nil {
		return c, err
	}
	if settings, err = tx.openText(channelSettingsName(c.ID), settings); err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(settings), &c.Settings); err != nil {
		return c, fmt.Errorf("settings of channel %s: %w", c.ID, err)
	}
	return c, nil
}

// scanSealedChannel reads channelColumns and leaves the settings as they are stored.
func scanSealedChannel(row scanner) (c monitor.Channel, settings string, err error) {
	var remind int64
	var last, created sql.NullInt64
	err = row.Scan(&c.ID, &c.Project, &c.Kind, &c.Name, &settings, &c.NotifyOnLate, &c.NotifyOnRecovery, &remind, &c.Failing, &last, &created, &c.Revision)
	c.RemindEvery, c.LastDelivery, c.Created = durationFromMicros(remind), timeFromMicros(last), timeFromMicros(created)
	return c, settings, err
}

// Channels lists the channels of a project, oldest first.
func (tx *Tx) Channels(project int64) ([]monitor.Channel, error) {
	return queryAll(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE project = $1 AND deleted IS NULL ORDER BY created, id`, project)
}

// ChannelRoutes is Channels without the settings. Use it for work that must
// continue when secrets cannot be opened, such as storing pings and routing alerts.
func (tx *Tx) ChannelRoutes(project int64) ([]monitor.Channel, error) {
	return queryAll(tx, func(row scanner) (monitor.Channel, error) {
		c, _, err := scanSealedChannel(row)
		return c, err
	}, `SELECT `+channelColumns+` FROM channels WHERE project = $1 AND deleted IS NULL ORDER BY created, id`, project)
}

// Channel returns the one with the given id, in a project.
func (tx *Tx) Channel(project int64, id string) (monitor.Channel, error) {
	c, found, err := queryOne(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE id = $1 AND project = $2 AND deleted IS NULL`, id, project)
	if err == nil && !found {
		err = notFound("channel")
	}
	return c, err
}

// ChannelForUpdate is Channel, locked until the transaction ends.
func (tx *Tx) ChannelForUpdate(project int64, id string) (monitor.Channel, error) {
	c, found, err := queryOne(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE id = $1 AND project = $2 AND deleted IS NULL`+tx.d.forUpdate, id, project)
	if err == nil && !found {
		err = notFound("channel")
	}
	return c, err
}

// AddChannel keeps a new channel and gives it its id.
func (tx *Tx) AddChannel(c monitor.Channel) (monitor.Channel, error) {
	c.ID, c.Revision = newID(), 1
	settings, err := tx.sealSettings(c)
	if err != nil {
		return c, err
	}
	_, err = tx.exec(`INSERT INTO channels (id, project, kind, name, settings, notify_on_late, notify_on_recovery, remind_every, failing, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, c.ID, c.Project, c.Kind, c.Name, settings,
		c.NotifyOnLate, c.NotifyOnRecovery, c.RemindEvery.Microseconds(), c.Failing, micros(c.Created))
	if err != nil {
		return c, fmt.Errorf("add channel: %w", err)
	}
	return c, nil
}

// sealSettings returns the settings of a channel in their stored form.
func (tx *Tx) sealSettings(c monitor.Channel) (string, error) {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return "", fmt.Errorf("settings of channel: %w", err)
	}
	return tx.sealText(channelSettingsName(c.ID), string(settings))
}

// SaveChannel keeps what people may change of a channel.
func (tx *Tx) SaveChannel(c monitor.Channel) error {
	settings, err := tx.sealSettings(c)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE channels SET name = $2, settings = $3, notify_on_late = $4, notify_on_recovery = $5, remind_every = $6, revision = revision + 1 WHERE id = $1`,
		c.ID, c.Name, settings, c.NotifyOnLate, c.NotifyOnRecovery, c.RemindEvery.Microseconds())
	if err != nil {
		return fmt.Errorf("save channel: %w", err)
	}
	return nil
}

// DeleteChannel ends a channel: nothing is owed to it any more. Its row stays,
// because the histories of incidents name it.
func (tx *Tx) DeleteChannel(c monitor.Channel, now time.Time) error {
	if _, err := tx.exec(`UPDATE channels SET deleted = $2 WHERE id = $1`, c.ID, micros(now)); err != nil {
		return fmt.Errorf("delete channel: %w", err)
	}
	if _, err := tx.exec(`UPDATE alerts SET state = 'failed', holder = NULL WHERE channel = $1 AND state = 'pending'`, c.ID); err != nil {
		return fmt.Errorf("alerts of deleted channel: %w", err)
	}
	if _, err := tx.exec(`DELETE FROM channel_failures WHERE channel = $1`, c.ID); err != nil {
		return fmt.Errorf("failures of deleted channel: %w", err)
	}
	return nil
}
