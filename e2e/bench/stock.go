package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"overdue/client"
)

// Number of heartbeats of a stock, and number of concurrent requests that create them.
const (
	mostStock    = 10_000
	makersAtOnce = 8
)

// stock is a database full of heartbeats that are rarely due.
type stock struct {
	address string
	key     string
	ids     []string
}

// stockSQLite returns the stock on SQLite. It is made once.
func (b *bench) stockSQLite(ctx context.Context) (*stock, error) {
	if b.stocked != nil {
		return b.stocked, nil
	}
	address, _, err := b.places("stock")[0].open()
	if err != nil {
		return nil, err
	}
	b.stocked, err = b.newStock(ctx, address)
	return b.stocked, err
}

// newStock makes heartbeats through the API, as people do.
func (b *bench) newStock(ctx context.Context, address string) (*stock, error) {
	key, err := b.newKey(ctx, address)
	if err != nil {
		return nil, err
	}
	s, err := b.serve(ctx, address, key)
	if err != nil {
		return nil, err
	}
	defer s.kill()
	begun := time.Now()
	ids, err := s.fill(ctx, mostStock)
	if err != nil {
		return nil, err
	}
	b.say("%d heartbeats created through the API in %s", len(ids), time.Since(begun).Round(100*time.Millisecond))
	return &stock{address: address, key: key, ids: ids}, s.stop()
}

// fill creates n heartbeats and returns their ids.
func (s *server) fill(ctx context.Context, n int) ([]string, error) {
	ids, errs := make([]string, n), make([]error, makersAtOnce)
	var all sync.WaitGroup
	for maker := range makersAtOnce {
		all.Go(func() {
			for i := maker; i < n && errs[maker] == nil; i += makersAtOnce {
				ids[i], errs[maker] = s.create(ctx, fmt.Sprintf("job %05d", i), "24h", "1h")
			}
		})
	}
	all.Wait()
	return ids, errors.Join(errs...)
}

// create makes one heartbeat and returns its id.
func (s *server) create(ctx context.Context, name, interval, grace string) (string, error) {
	h, err := s.api.CreateHeartbeat(ctx, client.HeartbeatSettings{Name: &name, Interval: interval, Grace: grace})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", name, err)
	}
	if h.ID == nil {
		return "", fmt.Errorf("create %s: the answer has no id", name)
	}
	return *h.ID, nil
}
