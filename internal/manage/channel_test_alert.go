package manage

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"overdue/client"
	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/notify"
	"overdue/internal/store"
)

// testAlertTimeout bounds a test alert, whose outcome is noted also when whoever
// asked for it has left.
const testAlertTimeout = 40 * time.Second

// testAlertsPerMinute is how many test alerts a project may send: they reach
// strangers, and each waits for a provider.
const testAlertsPerMinute = 10

// testLimiter counts the test alerts of each project, on this node alone.
type testLimiter struct {
	mu       sync.Mutex
	projects map[int64]*rate.Limiter
}

// allow returns a fault when a project has sent too many.
func (l *testLimiter) allow(project int64, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.projects == nil {
		l.projects = map[int64]*rate.Limiter{}
	}
	if l.projects[project] == nil {
		l.projects[project] = rate.NewLimiter(rate.Every(time.Minute/testAlertsPerMinute), testAlertsPerMinute)
	}
	if l.projects[project].AllowN(now, 1) {
		return nil
	}
	return monitor.Faultf(monitor.RateLimited, "", "At most %d test alerts are sent in a minute. Wait a few seconds, then try again.", testAlertsPerMinute)
}

// TestChannel sends a test alert now. A provider's refusal is a result, not an
// error. It counts like one attempt at any alert: a success ends the channel's
// failure, a permanent error marks it as failing, and any other error is the first
// of the attempts that would.
func (d *Service) TestChannel(ctx context.Context, a auth.Actor, id string) (client.TestResult, error) {
	result, _, err := d.TestChannelDraft(ctx, a, id, ChannelEdit{})
	return result, err
}

// TestChannelDraft tells a channel as it stands in a form a test alert now, whether it
// was saved or not; id is empty for a new one. It is kept among the last
// deliveries of the channel when it went where the saved channel leads: what
// another address answers says nothing about it.
func (d *Service) TestChannelDraft(ctx context.Context, a auth.Actor, id string, e ChannelEdit) (result client.TestResult, kept bool, err error) {
	if err := authorize(a, auth.ChangeChannels); err != nil {
		return result, false, err
	}
	var c monitor.Channel
	err = d.db.View(ctx, func(tx *store.Tx) error {
		if id == "" {
			c, _, err = e.create(a.Project.Key, currentTime())
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
	result, err = d.sendTestAlert(ctx, a, c, kept)
	return result, kept, err
}

// sendTestAlert sends the test alert, and keeps how it went.
func (d *Service) sendTestAlert(ctx context.Context, a auth.Actor, c monitor.Channel, kept bool) (client.TestResult, error) {
	now := currentTime()
	if err := d.testLimit.allow(a.Project.Key, now); err != nil {
		return client.TestResult{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), testAlertTimeout)
	defer cancel()
	result, results := d.sendTest(ctx, a.Project, c)
	attempt := Attempt{Number: 1, At: now, Took: currentTime().Sub(now), Outcome: "refused", Detail: result.Detail}
	outcome := "not delivered"
	if result.Delivered {
		attempt.Outcome, outcome = "sent", "delivered"
	}
	if result.Status != nil {
		attempt.Status = *result.Status
	}
	if !kept {
		outcome += ", as in the form" + destinationSuffix(c)
	}
	err := d.update(context.WithoutCancel(ctx), func(tx *store.Tx) (effects, error) {
		if kept {
			if err := tx.RecordDelivery(c.ID, results, true, attempt.Number, currentTime()); err != nil {
				return effects{}, err
			}
			if err := tx.AddTestAlert(c, attempt); err != nil {
				return effects{}, err
			}
		}
		return effects{}, writeAudit(tx, a, now, auditEntry{"channel.test", channelLabel(c), outcome})
	})
	return result, err
}

// destinationSuffix returns the host of a channel's destination in words, for the audit
// log, or "" for a kind without a host.
func destinationSuffix(c monitor.Channel) string {
	kind, _ := notify.KindOf(c.Kind)
	for _, f := range kind.Fields {
		if host := notify.HostOf(c.Settings[f.Name]); f.Destination && host != "" {
			return ", to " + host
		}
	}
	return ""
}
