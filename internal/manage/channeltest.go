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

// longestTest bounds a test alert, whose outcome is noted also when whoever
// asked for it has left.
const longestTest = 40 * time.Second

// testsPerMinute is how many test alerts a project may send: they reach
// strangers, and each waits for a provider.
const testsPerMinute = 10

// testLimit counts the test alerts of each project, on this node alone.
type testLimit struct {
	mu       sync.Mutex
	projects map[int64]*rate.Limiter
}

// allow returns a fault when a project has sent too many.
func (l *testLimit) allow(project int64, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.projects == nil {
		l.projects = map[int64]*rate.Limiter{}
	}
	if l.projects[project] == nil {
		l.projects[project] = rate.NewLimiter(rate.Every(time.Minute/testsPerMinute), testsPerMinute)
	}
	if l.projects[project].AllowN(now, 1) {
		return nil
	}
	return monitor.Wrong(monitor.Limited, "", "At most %d test alerts are sent in a minute. Wait a few seconds, then try again.", testsPerMinute)
}

// TestChannel sends a test alert now. A provider's refusal is a result, not an
// error. It counts like one attempt at any alert: a success ends the channel's
// failure, a permanent error marks it as failing, and any other error is the first
// of the attempts that would.
func (d *Desk) TestChannel(ctx context.Context, a auth.Actor, id string) (client.TestResult, error) {
	result, _, err := d.TestDraft(ctx, a, id, ChannelEdit{})
	return result, err
}

// TestDraft tells a channel as it stands in a form a test alert now, whether it
// was saved or not; id is empty for a new one. It is kept among the last
// deliveries of the channel when it went where the saved channel leads: what
// another address answers says nothing about it.
func (d *Desk) TestDraft(ctx context.Context, a auth.Actor, id string, e ChannelEdit) (result client.TestResult, kept bool, err error) {
	if err := may(a, auth.ChangeChannels); err != nil {
		return result, false, err
	}
	var c monitor.Channel
	err = d.db.View(ctx, func(tx *store.Tx) error {
		if id == "" {
			c, _, err = e.created(a.Project.Key, stamp())
			return err
		}
		before, err := channel(tx, a, id)
		if err != nil {
			return err
		}
		c, _, err = e.changed(before)
		kept = sameSettings(before, c)
		return err
	})
	if err != nil {
		return result, false, err
	}
	result, err = d.testNow(ctx, a, c, kept)
	return result, kept, err
}

// testNow sends the test alert, and keeps how it went.
func (d *Desk) testNow(ctx context.Context, a auth.Actor, c monitor.Channel, kept bool) (client.TestResult, error) {
	now := stamp()
	if err := d.tests.allow(a.Project.Key, now); err != nil {
		return client.TestResult{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestTest)
	defer cancel()
	result, results := d.test(ctx, a.Project, c)
	attempt := Attempt{N: 1, At: now, Took: stamp().Sub(now), Outcome: "refused", Detail: result.Detail}
	outcome := "not delivered"
	if result.Delivered {
		attempt.Outcome, outcome = "sent", "delivered"
	}
	if result.Status != nil {
		attempt.Status = *result.Status
	}
	if !kept {
		outcome += ", as in the form" + leadingTo(c)
	}
	err := d.change(context.WithoutCancel(ctx), func(tx *store.Tx) (stir, error) {
		if kept {
			if err := tx.RecordDelivery(c.ID, results, true, attempt.N, stamp()); err != nil {
				return stir{}, err
			}
			if err := tx.AddTest(c, attempt); err != nil {
				return stir{}, err
			}
		}
		return stir{}, note(tx, a, now, deed{"channel.test", describe(c), outcome})
	})
	return result, err
}

// leadingTo returns the host of a channel's destination in words, for the audit
// log, or "" for a kind without a host.
func leadingTo(c monitor.Channel) string {
	kind, _ := notify.KindOf(c.Kind)
	for _, f := range kind.Fields {
		if host := notify.HostOf(c.Settings[f.Name]); f.Destination && host != "" {
			return ", to " + host
		}
	}
	return ""
}
