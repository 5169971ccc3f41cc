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

// Channel returns the channel with the given id, in a project.
func (tx *Tx) Channel(project int64, id string) (monitor.Channel, error) {
	c, found, err := queryOne(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE id = $1 AND project = $2 AND deleted IS NULL`, id, project)
	if err == nil && !found {
		err = notFound("channel")
	}
	return c, err
}

// ChannelForUpdate is Channel with a lock until the transaction ends.
func (tx *Tx) ChannelForUpdate(project int64, id string) (monitor.Channel, error) {
	c, found, err := queryOne(tx, tx.scanChannel, `SELECT `+channelColumns+` FROM channels WHERE id = $1 AND project = $2 AND deleted IS NULL`+tx.d.ForUpdate, id, project)
	if err == nil && !found {
		err = notFound("channel")
	}
	return c, err
}

// AddChannel stores a new channel and sets its id.
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

// SaveChannel stores the fields of a channel that users can edit.
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

// DeleteChannel deletes a channel and fails its pending alerts. The row stays,
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

// ChannelRouting counts the heartbeats of a project by the channels that they notify.
type ChannelRouting struct {
	Heartbeats  int            // of the project
	AllChannels int            // heartbeats that notify all channels
	ByChannel   map[string]int // heartbeats that name the channel, by its id
}

// ChannelRouting counts the heartbeats of a project by the channels that they notify.
func (tx *Tx) ChannelRouting(project int64) (ChannelRouting, error) {
	r := ChannelRouting{ByChannel: map[string]int{}}
	_, err := queryAll(tx, func(row scanner) (struct{}, error) {
		var list sql.NullString
		var n int
		if err := row.Scan(&list, &n); err != nil {
			return struct{}{}, err
		}
		r.Heartbeats += n
		if !list.Valid {
			r.AllChannels += n
			return struct{}{}, nil
		}
		var ids []string
		err := json.Unmarshal([]byte(list.String), &ids)
		for _, id := range ids {
			r.ByChannel[id] += n
		}
		return struct{}{}, err
	}, `SELECT h.channels, COUNT(*) FROM heartbeats h WHERE h.project = $1 AND h.deleted IS NULL GROUP BY h.channels`, project)
	if err != nil {
		return r, fmt.Errorf("heartbeats by channel: %w", err)
	}
	return r, nil
}

// ChannelNames returns the name of every channel that a project has or had, by id:
// histories name deleted channels.
func (tx *Tx) ChannelNames(project int64) (map[string]string, error) {
	type named struct{ id, name string }
	all, err := queryAll(tx, func(row scanner) (n named, err error) { return n, row.Scan(&n.id, &n.name) },
		`SELECT id, name FROM channels WHERE project = $1`, project)
	if err != nil {
		return nil, fmt.Errorf("names of channels: %w", err)
	}
	names := make(map[string]string, len(all))
	for _, n := range all {
		names[n.id] = n.name
	}
	return names, nil
}
