package app

import (
	"context"
	"errors"
	"time"

	"overdue/internal/canary"
	"overdue/internal/loop"
	"overdue/internal/manage"
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
	e.canary = &canary.Canary{
		DB: e.db, Interval: o.Interval, Metrics: e.metrics, Log: e.log, OnArrive: e.pinger.Arrived,
		Ping: func(ctx context.Context, id string) error { return e.batcher.StorePing(ctx, id) },
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
