package main

import (
	"context"
	"fmt"
	"time"

	"overdue/client"
	"overdue/e2e/bench/load"
	"overdue/e2e/bench/report"
)

// Data and limits of the detection benchmark. The delays are in milliseconds.
const (
	watchedHeartbeats = 50
	pingSpread        = 2 * time.Second // period over which the pings are spread
	maxWait           = 20 * time.Second
	maxDetectionDelay = 250
	maxDeliveryDelay  = 1000
)

// detection measures how long after its deadline a missing ping is detected, and
// how long until the alert is delivered, on an otherwise idle server.
func (b *bench) detection(ctx context.Context) error {
	return b.onEach(ctx, b.detectionOn)
}

func (b *bench) detectionOn(ctx context.Context, kind string, v build) error {
	s, r, err := b.startWithReceiver(ctx, dataset{kind: kind, heartbeats: 20, build: v})
	if err != nil {
		return err
	}
	defer s.kill()
	defer r.close()
	var ids []string
	for i := range watchedHeartbeats {
		id, err := s.createHeartbeat(ctx, fmt.Sprintf("watched %02d", i), "2s", "1s")
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := s.pingOnce(ctx, ids); err != nil {
		return err
	}
	if err := r.waitFor(ctx, watchedHeartbeats, time.Now().Add(maxWait)); err != nil {
		return err
	}
	if err := s.reportDelays(r); err != nil {
		return err
	}
	s.acked, s.opened = watchedHeartbeats, watchedHeartbeats
	return s.close(ctx)
}

// pingOnce pings each heartbeat once, evenly within pingSpread.
func (s *server) pingOnce(ctx context.Context, ids []string) error {
	plan := load.Plan{Rate: float64(len(ids)) / pingSpread.Seconds(), Connections: 4, Count: len(ids), InOrder: true}
	p, err := load.StartPaced(ctx, s.address, load.PingsTo(ids), plan)
	if err != nil {
		return err
	}
	r, err := p.Wait()
	if err == nil && r.Rejected() > 0 {
		err = fmt.Errorf("%d pings were not answered OK", r.Rejected())
	}
	return err
}

// createHeartbeat creates one heartbeat and returns its id.
func (s *server) createHeartbeat(ctx context.Context, name, interval, grace string) (string, error) {
	h, err := s.api.CreateHeartbeat(ctx, client.HeartbeatSettings{Name: &name, Interval: interval, Grace: grace})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", name, err)
	}
	if h.ID == nil {
		return "", fmt.Errorf("create %s: the response has no id", name)
	}
	return *h.ID, nil
}

// reportDelays reports the delays from the deadline to the detection and to the webhook.
func (t *target) reportDelays(r *receiver) error {
	var detected, delivered load.Latencies
	seen := map[string]bool{}
	_, webhooks := r.received()
	for _, w := range webhooks {
		i, err := w.opened()
		if err != nil {
			return err
		}
		seen[i.ID] = true
		detected = append(detected, int64(i.DetectedAt.Sub(i.OpenedAt)))
		delivered = append(delivered, int64(w.at.Sub(i.OpenedAt)))
	}
	if len(seen) != watchedHeartbeats || len(webhooks) != watchedHeartbeats {
		return fmt.Errorf("got %d webhooks for %d incidents; want %d of each", len(webhooks), len(seen), watchedHeartbeats)
	}
	t.spread("detection", "from deadline to detection", detected, report.AtMost(maxDetectionDelay))
	t.spread("detection", "from deadline to webhook received", delivered, report.AtMost(maxDeliveryDelay))
	return nil
}
