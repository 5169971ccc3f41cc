package deliver

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify/message"
	"overdue/internal/pingid"
	"overdue/internal/store"
)

// How often a node checks the channels that fail, counts alerts, and logs failures.
const (
	reviewInterval     = time.Second
	outboxInterval     = 5 * time.Second
	failureLogInterval = time.Hour
)

// A node spends at most 1/maxCountingShare of its time on counting pending alerts, so it
// counts a long backlog less often.
const maxCountingShare = 20

// Outbox describes the alerts that are not delivered yet.
type Outbox struct {
	store.Outbox
	Concurrency map[string]int // maximum of concurrent sends of this node, by channel; 1 for a channel without sends
}

// reviewState is the state of the channel review and the latest count of pending
// alerts.
type reviewState struct {
	reviewedAt time.Time // only used by RunOnce
	countAt    time.Time // when to count the pending alerts again; only used by RunOnce
	outbox     Outbox
}

// Outbox returns the pending alerts and the channels, as of a few seconds ago.
func (c *Dispatcher) Outbox() Outbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reviewed.outbox
}

// countOutbox counts the pending alerts from time to time. It reads all of them, which must
// not prolong the transaction that records and claims.
func (c *Dispatcher) countOutbox(ctx context.Context, now time.Time) error {
	if now.Before(c.reviewed.countAt) {
		return nil
	}
	o := Outbox{Concurrency: map[string]int{}}
	begun := time.Now()
	err := c.DB.View(ctx, func(tx *store.Tx) (err error) {
		o.Outbox, err = tx.Outbox()
		return err
	})
	if err != nil {
		return err
	}
	for id := range o.Channels {
		o.Concurrency[id] = 1
		if w := c.windows[id]; w != nil {
			o.Concurrency[id] = int(w.size)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reviewed.outbox = o
	c.reviewed.countAt = now.Add(max(outboxInterval, maxCountingShare*time.Since(begun)))
	return nil
}

// channelCheck is the result of one check of the channels: lines for the log, written
// after the commit.
type channelCheck struct {
	logRecords      []slog.Record
	failingChannels []string // channels that fail as a whole
}

// reviewChannels notifies the other channels of a project when a channel fails or
// recovers. All nodes review the channels; a row in the database decides which
// node sends the announcement.
func (c *Dispatcher) reviewChannels(tx *store.Tx, recorded []sendResult, now time.Time) (f channelCheck, err error) {
	fresh := slices.ContainsFunc(recorded, func(r sendResult) bool { return r.err != nil || len(r.failedRecipients()) > 0 })
	if !fresh && now.Sub(c.reviewed.reviewedAt) < reviewInterval {
		return f, nil
	}
	failures, err := tx.ChannelFailures()
	if err != nil {
		return f, err
	}
	for _, failure := range failures {
		if failure.Recipient == "" && failure.Failing {
			f.failingChannels = append(f.failingChannels, failure.Channel)
		}
	}
	for _, failure := range failures {
		switch {
		case failure.RecoveredAt.IsZero():
			err = c.reviewFailure(tx, failure, &f, now)
		case failure.NotifiedAt.IsZero() || now.Sub(failure.RecoveredAt) >= monitor.FailingAfter:
			err = c.reviewRecovery(tx, failure, &f, now)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// applyReview writes the log records after the commit.
func (c *Dispatcher) applyReview(ctx context.Context, f channelCheck, now time.Time) {
	for _, line := range f.logRecords {
		_ = c.Log.Handler().Handle(ctx, line) // the log cannot report its own failure
	}
	if now.Sub(c.reviewed.reviewedAt) >= reviewInterval {
		c.reviewed.reviewedAt = now
	}
}

// reviewFailure logs a failure and, if it lasts, announces it.
func (c *Dispatcher) reviewFailure(tx *store.Tx, failure store.FailingChannel, f *channelCheck, now time.Time) error {
	first, err := tx.MarkLogged(failure.ChannelFailure, now.Add(-failureLogInterval), now)
	if err != nil {
		return err
	}
	if first {
		f.addLogRecord(slog.LevelWarn, "channel not delivering", failure)
	}
	if !failure.IsFailing(failure.Pending, now) {
		return nil
	}
	if !failure.Failing {
		if err := tx.MarkFailing(failure.ChannelFailure); err != nil {
			return err
		}
	}
	first, err = tx.MarkAnnounced(failure.ChannelFailure, now)
	if err != nil || !first {
		return err
	}
	return f.announce(tx, failure, monitor.ChannelFailing, now)
}

// reviewRecovery deletes a failure that has ended. If the failure was announced,
// it announces the recovery after five minutes without another failure, so a
// flapping channel is announced once.
func (c *Dispatcher) reviewRecovery(tx *store.Tx, failure store.FailingChannel, f *channelCheck, now time.Time) error {
	first, err := tx.DeleteRecoveredFailure(failure.ChannelFailure)
	if err != nil || !first {
		return err
	}
	if !failure.LoggedAt.IsZero() {
		f.addLogRecord(slog.LevelInfo, "channel delivering again", failure)
	}
	if failure.NotifiedAt.IsZero() {
		return nil
	}
	return f.announce(tx, failure, monitor.ChannelRecovered, now)
}

// announce enqueues an alert for each other channel of the project, except
// channels that fail for all recipients.
func (f *channelCheck) announce(tx *store.Tx, failure store.FailingChannel, event monitor.Event, now time.Time) error {
	channels, err := tx.ChannelRoutes(failure.Project)
	if err != nil {
		return err
	}
	for _, other := range channels {
		if other.ID == failure.Channel || slices.Contains(f.failingChannels, other.ID) {
			continue
		}
		err := tx.Enqueue(monitor.Alert{
			Project: other.Project, Channel: other.ID, Event: event, Subject: encodeChannelFailure(failure), Created: now, NextAttempt: now,
		}, 0)
		if err != nil {
			return err
		}
	}
	return nil
}

// encodeChannelFailure returns the subject of an alert about a failing channel: its
// name and the reason.
func encodeChannelFailure(f store.FailingChannel) string {
	reason := f.ChannelFailure
	reason.Recipient = "" // it is named with the channel
	b, _ := json.Marshal(message.FailingChannel{
		ID: f.Channel, Channel: f.Name, Recipient: f.Recipient, Reason: reason.String(), Since: f.Since,
	}) // texts and a time always marshal
	return string(b)
}

// decodeChannelFailure reads what encodeChannelFailure returned.
func decodeChannelFailure(about string) *message.FailingChannel {
	var f message.FailingChannel
	if err := json.Unmarshal([]byte(about), &f); err != nil {
		return &message.FailingChannel{Channel: "A channel"}
	}
	return &f
}

// addLogRecord adds a log record that is written after the commit.
func (f *channelCheck) addLogRecord(level slog.Level, message string, failure store.FailingChannel) {
	line := slog.NewRecord(time.Now(), level, message, 0)
	line.AddAttrs(
		slog.String("component", "deliver"), slog.String("channel", failure.Channel), slog.String("kind", failure.Kind),
		slog.Bool("all_recipients", failure.Recipient == ""), slog.Int("status", failure.StatusCode), slog.String("reason", redactForLog(failure.Reason)),
		slog.Time("since", failure.Since),
	)
	f.logRecords = append(f.logRecords, line)
}

// emailAddressPattern matches email addresses: the log must not contain any.
var emailAddressPattern = regexp.MustCompile(`[^\s<>()"',;:]+@[^\s<>()"',;:]+`)

// redactForLog returns a reason without email addresses and heartbeat ids.
func redactForLog(reason string) string {
	return pingid.Shorten(emailAddressPattern.ReplaceAllString(reason, "…@…"))
}
