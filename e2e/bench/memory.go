package main

import (
	"context"
	"path/filepath"
	"time"
)

// Load, pause and limit of the memory benchmark. The limit is in megabytes (MB, 10⁶
// bytes).
const (
	loadDuration      = 3 * time.Second
	restDuration      = 5 * time.Second
	maxIdleMemory     = 60
	bytesPerMB        = 1e6
	memoryConnections = 64
)

// memory measures the resident memory of an empty server, and of one with many
// heartbeats, right after load and after a pause.
func (b *bench) memory(ctx context.Context) error {
	address := filepath.Join(b.dir, "empty.db")
	key, err := b.newKey(ctx, address)
	if err != nil {
		return err
	}
	if err := b.residentAfter(ctx, &filledDatabase{address: address, key: key}); err != nil {
		return err
	}
	full, err := b.filledSQLite(ctx)
	if err != nil {
		return err
	}
	return b.residentAfter(ctx, full)
}

// residentAfter starts a server on a database and measures its resident memory.
func (b *bench) residentAfter(ctx context.Context, s *filledDatabase) error {
	server, err := b.serve(ctx, s.address, s.key)
	if err != nil {
		return err
	}
	defer server.kill()
	record := func(what string, bound *bound) error {
		resident, err := server.residentMemory()
		b.report.add(figure{"memory", "SQLite", what, resident / bytesPerMB, "MB", bound})
		return err
	}
	if len(s.ids) == 0 {
		if err := sleepUntil(ctx, time.Now().Add(time.Second)); err != nil {
			return err
		}
		if err := record("no heartbeats, idle", atMost(maxIdleMemory)); err != nil {
			return err
		}
		return server.stop()
	}
	if _, err := round(ctx, server.address, requests(s.ids), memoryConnections, loadDuration); err != nil {
		return err
	}
	if err := record("10,000 heartbeats, under load", nil); err != nil {
		return err
	}
	if err := sleepUntil(ctx, time.Now().Add(restDuration)); err != nil {
		return err
	}
	if err := record("10,000 heartbeats, idle for 5 s after load", atMost(maxIdleMemory)); err != nil {
		return err
	}
	return server.stop()
}
