package deliver

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/pingid"
	"overdue/internal/store"
)

// How often a node checks the channels that fail, counts alerts, and logs failures.
const (
	reviewEvery = time.Second
	outboxEvery = 5 * time.Second
	logEvery    = time.Hour
)

// health is what a node knows about the channels and the pending alerts.
type health struct {
	reviewed, counted time.Time // the last times; used by Turn only
	outbox            store.Outbox
}

// Outbox returns the pending alerts and the channels, as of a few seconds ago.
func (c *Courier) Outbox() store.Outbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.health.outbox
}

// review is the result of one check of the channels: lines for the log, written
// after the commit, and the pending alerts if they were counted.
type review struct {
	lines       []slog.Record
	outbox      store.Outbox
	counted     bool
	unreachable []string // channels that fail as a whole
}

// reviewChannels announces failures and recoveries of channels to the other
// channels of their projects. All nodes check; the database decides which of them
// announces.
func (c *Courier) reviewChannels(tx *store.Tx, noted []result, now time.Time) (f review, err error) {
	if now.Sub(c.health.counted) >= outboxEvery {
		if f.outbox, err = tx.Outbox(); err != nil {
			return f, err
		}
		f.counted = true
	}
	fresh := slices.ContainsFunc(noted, func(r result) bool { return r.err != nil || len(r.refusals()) > 0 })
	if !fresh && now.Sub(c.health.reviewed) < reviewEvery {
		return f, nil
	}
	failures, err := tx.ChannelFailures()
	if err != nil {
		return f, err
	}
	for _, failure := range failures {
		if failure.Recipient == "" && failure.Failing {
			f.unreachable = append(f.unreachable, failure.Channel)
		}
	}
	for _, failure := range failures {
		switch {
		case failure.Recovered.IsZero():
			err = c.reviewFailure(tx, failure, &f, now)
		case failure.Announced.IsZero() || now.Sub(failure.Recovered) >= monitor.FailingAfter:
			err = c.reviewRecovery(tx, failure, &f, now)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// applyReview writes the log and stores the figures, after the commit.
func (c *Courier) applyReview(ctx context.Context, f review, now time.Time) {
	for _, line := range f.lines {
		_ = c.Log.Handler().Handle(ctx, line) // the log cannot report its own failure
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.counted {
		c.health.counted, c.health.outbox = now, f.outbox
	}
	if now.Sub(c.health.reviewed) >= reviewEvery {
		c.health.reviewed = now
	}
}

// reviewFailure logs a failure and, if it lasts, announces it.
func (c *Courier) reviewFailure(tx *store.Tx, failure store.FailingChannel, f *review, now time.Time) error {
	first, err := tx.MarkLogged(failure.ChannelFailure, now.Add(-logEvery), now)
	if err != nil {
		return err
	}
	if first {
		f.log(slog.LevelWarn, "channel not delivering", failure)
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

// reviewRecovery drops a failure that is over, and announces that if the failure
// was announced. That comes after five minutes without another failure: a channel
// that flaps is announced once.
func (c *Courier) reviewRecovery(tx *store.Tx, failure store.FailingChannel, f *review, now time.Time) error {
	first, err := tx.ForgetRecovered(failure.ChannelFailure)
	if err != nil || !first {
		return err
	}
	if !failure.Logged.IsZero() {
		f.log(slog.LevelInfo, "channel delivering again", failure)
	}
	if failure.Announced.IsZero() {
		return nil
	}
	return f.announce(tx, failure, monitor.ChannelRecovered, now)
}

// announce notifies the other channels of the project, except those that fail as a
// whole.
func (f *review) announce(tx *store.Tx, failure store.FailingChannel, event monitor.Event, now time.Time) error {
	channels, err := tx.ChannelRoutes(failure.Project)
	if err != nil {
		return err
	}
	for _, other := range channels {
		if other.ID == failure.Channel || slices.Contains(f.unreachable, other.ID) {
			continue
		}
		err := tx.Owe(monitor.Alert{
			Project: other.Project, Channel: other.ID, Event: event, About: encodeFailing(failure), Created: now, Next: now,
		}, 0)
		if err != nil {
			return err
		}
	}
	return nil
}

// encodeFailing returns, for an alert, which channel it is about and why.
func encodeFailing(f store.FailingChannel) string {
	reason := f.ChannelFailure
	reason.Recipient = ""                                                                                                  // it is named with the channel
	b, _ := json.Marshal(notify.Failing{Channel: f.Name, Recipient: f.Recipient, Detail: reason.String(), Since: f.Since}) // texts and a time always marshal
	return string(b)
}

// decodeFailing reads what encodeFailing returned.
func decodeFailing(about string) *notify.Failing {
	var f notify.Failing
	if err := json.Unmarshal([]byte(about), &f); err != nil {
		return &notify.Failing{Channel: "A channel"}
	}
	return &f
}

// log adds a line about a channel, to be written after the commit.
func (f *review) log(level slog.Level, message string, failure store.FailingChannel) {
	line := slog.NewRecord(time.Now(), level, message, 0)
	line.AddAttrs(
		slog.String("component", "deliver"), slog.String("channel", failure.Channel), slog.String("kind", failure.Kind),
		slog.Bool("all_recipients", failure.Recipient == ""), slog.Int("status", failure.Status), slog.String("reason", loggable(failure.Reason)),
		slog.Time("since", failure.Since),
	)
	f.lines = append(f.lines, line)
}

// addresses matches the email addresses in an answer: the log must not name people.
var addresses = regexp.MustCompile(`[^\s<>()"',;:]+@[^\s<>()"',;:]+`)

// loggable returns an answer without mail addresses and ids that could ping.
func loggable(reason string) string {
	return pingid.Shorten(addresses.ReplaceAllString(reason, "…@…"))
}
