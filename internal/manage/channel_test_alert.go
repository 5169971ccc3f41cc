package manage

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/notify/setting"
	"overdue/internal/store"
)

// testAlertTimeout limits a test alert. The result is stored even if the client
// disconnects.
const testAlertTimeout = 40 * time.Second

// testAlertsPerMinute is the maximum number of test alerts of a project per minute: they
// reach other people, and each waits for a provider.
const testAlertsPerMinute = 10

// allowTest returns a fault if a project has sent too many test alerts on this node.
func (svc *Service) allowTest(project int64, now time.Time) error {
	if svc.testLimit.Allow(strconv.FormatInt(project, 10), now) == 0 {
		return nil
	}
	return monitor.Faultf(monitor.RateLimited, "", "The maximum is %d test alerts per minute. Wait a few seconds, then try again.", testAlertsPerMinute)
}

// TestChannel sends a test alert. An error of the provider is a result, not an error of the
// call. The test counts like an attempt of any alert: success ends a failure of the
// channel, a permanent error marks it as failing, and any other error counts as the first
// attempt.
func (svc *Service) TestChannel(ctx context.Context, a auth.Actor, id string) (client.TestResult, error) {
	result, _, err := svc.TestChannelDraft(ctx, a, id, ChannelEdit{})
	return result, err
}

// TestChannelDraft sends a test alert with the values of a form; id is empty for a new
// channel. kept reports whether the result was stored in the delivery log of the channel:
// only if the settings are those of the saved channel, because the answer of another
// address says nothing about it.
func (svc *Service) TestChannelDraft(ctx context.Context, a auth.Actor, id string, e ChannelEdit) (result client.TestResult, kept bool, err error) {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return result, false, err
	}
	var c monitor.Channel
	err = svc.db.View(ctx, func(tx *store.Tx) error {
		if id == "" {
			c, _, err = svc.newChannel(e, a.Project.Key, svc.currentTime())
			return err
		}
		before, err := findChannel(tx, a, id)
		if err != nil {
			return err
		}
		c, _, err = e.change(before)
		kept = sameSettings(before, c)
		return err
	})
	if err != nil {
		return result, false, err
	}
	result, err = svc.sendTestAlert(ctx, a, c, kept)
	return result, kept, err
}

// sendTestAlert sends the test alert and stores its result.
func (svc *Service) sendTestAlert(ctx context.Context, a auth.Actor, c monitor.Channel, kept bool) (client.TestResult, error) {
	now := svc.currentTime()
	if err := svc.allowTest(a.Project.Key, now); err != nil {
		return client.TestResult{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), testAlertTimeout)
	defer cancel()
	result, results, changed := svc.sendTest(ctx, a.Project, c)
	attempt := Attempt{Number: 1, At: now, Took: svc.currentTime().Sub(now), Outcome: "refused", Detail: result.Detail}
	outcome := "not delivered"
	if result.Delivered {
		attempt.Outcome, outcome = "sent", "delivered"
	}
	if result.Status != nil {
		attempt.Status = *result.Status
	}
	if !kept {
		outcome += ", with the values of the form" + destinationSuffix(c)
	}
	err := svc.update(context.WithoutCancel(ctx), func(tx *store.Tx) (effects, error) {
		if kept {
			if err := tx.RecordDelivery(c.ID, results, true, attempt.Number, svc.currentTime()); err != nil {
				return effects{}, err
			}
			if result.Delivered { // the receiver no longer waits
				if err := tx.ResumeChannel(c.ID); err != nil {
					return effects{}, err
				}
			}
			if err := tx.AddTestAlert(c, attempt); err != nil {
				return effects{}, err
			}
			if err := AdoptSettings(tx, c, changed, now); err != nil {
				return effects{}, err
			}
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{"channel.test", channelLabel(c), outcome})
	})
	return result, err
}

// destinationSuffix returns ", to HOST" for the audit log, or "" for a kind without a
// destination.
func destinationSuffix(c monitor.Channel) string {
	kind, _ := notify.KindOf(c.Kind)
	for _, f := range kind.Fields {
		if host := setting.HostOf(c.Settings[f.Name]); f.Destination && host != "" {
			return ", to " + host
		}
	}
	return ""
}

// RetryChannel makes the pending alerts of a channel due now, also if its receiver asked for
// a pause, and returns the channel.
func (svc *Service) RetryChannel(ctx context.Context, a auth.Actor, id string) (c monitor.Channel, err error) {
	if err := authorize(a, auth.RetryAlerts); err != nil {
		return c, err
	}
	now := svc.currentTime()
	err = svc.update(ctx, func(tx *store.Tx) (s effects, err error) {
		if !isSearchable(id) {
			return s, notFound("channel")
		}
		before, err := tx.ChannelForUpdate(a.Project.Key, id)
		if err != nil {
			return s, err
		}
		n, err := tx.RetryPending(id, now)
		if err != nil {
			return s, err
		}
		if c, err = tx.Channel(a.Project.Key, id); err != nil {
			return s, err
		}
		if c, err = channelWithHealth(tx, a, c); err != nil {
			return s, err
		}
		if n == 0 && !before.PausedUntil.After(now) {
			return s, nil
		}
		s.pending = true
		return s, writeAudit(tx, a, now, auditEntry{"channel.retry", channelLabel(c), pluralAlerts(n)})
	})
	return maskSecrets(a, c), err
}

// pluralAlerts returns a number of alerts in words.
func pluralAlerts(n int) string {
	if n == 1 {
		return "1 alert"
	}
	return fmt.Sprintf("%d alerts", n)
}
