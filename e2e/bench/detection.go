package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
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
	return b.onEachDatabase(ctx, "detection", b.detectionOn)
}

func (b *bench) detectionOn(ctx context.Context, on database) error {
	s, r, err := b.serveWithReceiver(ctx, on)
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
	if err := b.reportDelays(on.name, r); err != nil {
		return err
	}
	return s.stop()
}

// pingOnce pings each heartbeat once, at random times within pingSpread.
func (s *server) pingOnce(ctx context.Context, ids []string) error {
	conns, err := dial(ctx, s.address, 1)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	moments := make([]time.Time, len(ids))
	for i := range moments {
		moments[i] = time.Now().Add(rand.N(pingSpread))
	}
	slices.SortFunc(moments, time.Time.Compare)
	if err := conns[0].SetDeadline(time.Now().Add(pingSpread + responseTimeout)); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	for i, request := range requests(ids) {
		if err := sleepUntil(ctx, moments[i]); err != nil {
			return err
		}
		ok, err := conns[0].exchange(request)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("ping answered %s", conns[0].lastUnexpected)
		}
	}
	return nil
}

// reportDelays reports the delays from the deadline to the detection and to the webhook.
func (b *bench) reportDelays(on string, r *receiver) error {
	var detected, delivered latencies
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
	b.report.spread("detection", on, "from deadline to detection", detected, atMost(maxDetectionDelay))
	b.report.spread("detection", on, "from deadline to webhook received", delivered, atMost(maxDeliveryDelay))
	return nil
}
