package app

import (
	"context"
	"errors"
	"net/url"
	"time"

	"overdue/internal/canary"
	"overdue/internal/loop"
	"overdue/internal/manage"
	"overdue/internal/store"
	"overdue/internal/web"
)

// CanaryOptions are the options of EnableCanary.
type CanaryOptions struct {
	Interval    time.Duration // from one round to the next
	WatchdogURL string        // to ping after each arrival, in addition to those of pairs; empty: none
	Service     *manage.Service
	// Ping pings a URL.
	Ping func(ctx context.Context, url string) error
}

// EnableCanary adds the canary and the watchdog. Call it before Start.
func (e *Engine) EnableCanary(o CanaryOptions) {
	e.pinger = &canary.Pinger{
		Send: o.Ping, Metrics: e.metrics, Log: e.log, Wake: func() { e.pingerLoop.Wake() },
		Record: func(ctx context.Context, results map[string]canary.Result) error {
			return recordWatchdogResults(ctx, e.db, results)
		},
		URLs: func(ctx context.Context) ([]string, error) {
			urls := []string{o.WatchdogURL}
			all, err := finishUnpairing(ctx, e.db, o.Service)
			for _, p := range all {
				urls = append(urls, p.PingURL)
			}
			return canary.Distinct(urls), err
		},
	}
	e.watchURL = o.WatchdogURL
	e.canary = &canary.Canary{
		DB: e.db, Interval: o.Interval, Metrics: e.metrics, Log: e.log, OnArrive: e.pinger.Arrived,
		Ping:    func(ctx context.Context, id string) error { return e.batcher.StorePing(ctx, id) },
		Storing: e.checkStoring,
	}
	e.dispatcher.CanaryArrived = e.canary.Arrived
	e.metrics.RegisterCanary(e.canary.Late)
	e.canaryLoop = loop.New("canary", e.log, e.canary.Run)
	e.pingerLoop = loop.New("watchdog", e.log, e.pinger.Run)
}

// startCanary starts the loops of the canary, if it is enabled.
func (e *Engine) startCanary(ctx context.Context) {
	if e.canary == nil {
		return
	}
	background, stop := context.WithCancel(ctx)
	e.stopCanaryLoops = stop
	for _, l := range []*loop.Loop{e.canaryLoop, e.pingerLoop} {
		e.canaryLoops.Go(func() { l.Run(background) })
	}
}

// stopCanary ends the loops of the canary, which use the batcher.
func (e *Engine) stopCanary() {
	if e.stopCanaryLoops != nil {
		e.stopCanaryLoops()
		e.canaryLoops.Wait()
	}
}

// removeCanary deletes the rows of the canary when the node stops.
func (e *Engine) removeCanary(ctx context.Context) error {
	if e.canary == nil {
		return nil
	}
	return e.canary.Remove(ctx)
}

// checkCanary returns an error if the alert of the canary does not arrive.
func (e *Engine) checkCanary(now time.Time) error {
	if e.canary == nil {
		return nil
	}
	stalled := e.canaryLoop.Check(now)
	if e.canary.Busy(now) {
		stalled = nil
	}
	return errors.Join(e.canary.Check(now), stalled)
}

// canaryStatus returns what the page about the server shows about the canary.
func (e *Engine) canaryStatus(now time.Time) (s web.CanaryStatus) {
	if e.canary == nil {
		return s
	}
	found := e.canary.Status(now)
	s = web.CanaryStatus{Enabled: true, Interval: found.Interval, Bound: canary.Bound, Next: found.Next, Running: !found.Deadline.IsZero()}
	for _, r := range found.Rounds {
		s.Rounds = append(s.Rounds, web.CanaryRound{At: r.Deadline, Took: r.Took, Lost: r.Lost})
	}
	if found.Problem != nil {
		s.Problem = found.Problem.Error()
	}
	return s
}

// pingTargets returns the services that this node pings after each arrival of the canary.
func (e *Engine) pingTargets(ctx context.Context) (list []web.PingTarget, err error) {
	err = e.db.View(ctx, func(tx *store.Tx) error {
		list = nil
		results, err := readJSONSetting[map[string]canary.Result](tx, watchdogResultsSetting)
		if err != nil {
			return err
		}
		if u := e.watchURL; u != "" {
			list = append(list, web.PingTarget{Address: withoutPath(u), TriedAt: results[u].At, SentAt: results[u].SentAt, LastError: results[u].LastError})
		}
		pairs, err := pairStatuses(tx)
		for _, p := range pairs {
			list = append(list, web.PingTarget{
				Address: withoutPath(p.URL), IsPair: true, TriedAt: p.triedAt, SentAt: p.SentAt, LastError: p.LastError,
				Project: p.project, Ref: p.ref, Name: p.Heartbeat, Status: p.Status,
			})
		}
		return err
	})
	return list, err
}

// withoutPath returns scheme and host of a URL: the rest may allow anyone to ping.
func withoutPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "an invalid URL"
	}
	shown := u.Scheme + "://" + u.Host
	if len(u.Path) > 1 || u.RawQuery != "" {
		shown += "/…"
	}
	return shown
}
