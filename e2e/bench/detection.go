package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// How detection is measured, and how late it may be, in milliseconds.
const (
	watched     = 50
	within      = 2 * time.Second // in which the single pings are spread
	mostWatch   = 20 * time.Second
	mostNoticed = 250
	mostTold    = 1000
)

// detection measures how long after its deadline a missing ping is detected, and
// how long until the alert is delivered, on an otherwise idle server.
func (b *bench) detection(ctx context.Context) error {
	for _, place := range b.places("detection") {
		if err := b.detectionOn(ctx, place); err != nil {
			return fmt.Errorf("%s: %w", place.name, err)
		}
	}
	return nil
}

func (b *bench) detectionOn(ctx context.Context, place place) (err error) {
	address, end, err := place.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	key, err := b.newKey(ctx, address)
	if err != nil {
		return err
	}
	s, err := b.serve(ctx, address, key, "--allow-private-networks")
	if err != nil {
		return err
	}
	defer s.kill()
	r, err := receive()
	if err != nil {
		return err
	}
	defer r.close()
	if err := s.tell(ctx, r); err != nil {
		return err
	}
	var ids []string
	for i := range watched {
		id, err := s.create(ctx, fmt.Sprintf("watched %02d", i), "2s", "1s")
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := s.pingOnce(ctx, ids); err != nil {
		return err
	}
	if err := r.await(ctx, watched, time.Now().Add(mostWatch)); err != nil {
		return err
	}
	if err := b.lateness(place.name, r); err != nil {
		return err
	}
	return s.stop()
}

// pingOnce pings each heartbeat once, at moments that are spread at random.
func (s *server) pingOnce(ctx context.Context, ids []string) error {
	conns, err := dial(ctx, s.address, 1)
	if err != nil {
		return err
	}
	defer hangUp(conns)
	moments := make([]time.Time, len(ids))
	for i := range moments {
		moments[i] = time.Now().Add(rand.N(within))
	}
	slices.SortFunc(moments, time.Time.Compare)
	if err := conns[0].SetDeadline(time.Now().Add(within + patience)); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	for i, request := range requests(ids) {
		if err := wait(ctx, moments[i]); err != nil {
			return err
		}
		ok, err := conns[0].exchange(request)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("ping answered %s", conns[0].odd)
		}
	}
	return nil
}

// lateness reports what the webhooks say of themselves, and when they came.
func (b *bench) lateness(on string, r *receiver) error {
	var noticed, told latencies
	seen := map[string]bool{}
	_, notices := r.taken()
	for _, n := range notices {
		i, err := n.opened()
		if err != nil {
			return err
		}
		seen[i.ID] = true
		noticed = append(noticed, int64(i.DetectedAt.Sub(i.OpenedAt)))
		told = append(told, int64(n.at.Sub(i.OpenedAt)))
	}
	if len(seen) != watched || len(notices) != watched {
		return fmt.Errorf("got %d webhooks for %d incidents; want %d of each", len(notices), len(seen), watched)
	}
	b.report.spread("detection", on, "from deadline to detection", noticed, atMost(mostNoticed))
	b.report.spread("detection", on, "from deadline to webhook received", told, atMost(mostTold))
	return nil
}
