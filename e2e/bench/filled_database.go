package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"overdue/client"
)

// Number of heartbeats of a filled database, and of concurrent requests that create them.
const (
	filledHeartbeats   = 10_000
	concurrentCreators = 8
)

// filledDatabase is a database full of heartbeats that are rarely due.
type filledDatabase struct {
	address string
	key     string
	ids     []string
}

// filledSQLite returns the filled database on SQLite. The first call creates it.
func (b *bench) filledSQLite(ctx context.Context) (*filledDatabase, error) {
	if b.sharedDatabase != nil {
		return b.sharedDatabase, nil
	}
	address, _, err := b.databases("stock")[0].open()
	if err != nil {
		return nil, err
	}
	b.sharedDatabase, err = b.newFilledDatabase(ctx, address)
	return b.sharedDatabase, err
}

// newFilledDatabase creates heartbeats through the API.
func (b *bench) newFilledDatabase(ctx context.Context, address string) (*filledDatabase, error) {
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
	ids, err := s.createHeartbeats(ctx, filledHeartbeats)
	if err != nil {
		return nil, err
	}
	b.progress("%d heartbeats created through the API in %s", len(ids), time.Since(begun).Round(100*time.Millisecond))
	return &filledDatabase{address: address, key: key, ids: ids}, s.stop()
}

// createHeartbeats creates n heartbeats and returns their ids.
func (s *server) createHeartbeats(ctx context.Context, n int) ([]string, error) {
	ids, errs := make([]string, n), make([]error, concurrentCreators)
	var all sync.WaitGroup
	for maker := range concurrentCreators {
		all.Go(func() {
			for i := maker; i < n && errs[maker] == nil; i += concurrentCreators {
				ids[i], errs[maker] = s.createHeartbeat(ctx, fmt.Sprintf("job %05d", i), "24h", "1h")
			}
		})
	}
	all.Wait()
	return ids, errors.Join(errs...)
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
