package main

import (
	"context"
	"path/filepath"
	"time"
)

// How memory is measured: after what load, after what rest, and how much an
// idle server may have, in megabytes (MB, 10⁶ bytes).
const (
	loadBefore  = 3 * time.Second
	restBefore  = 5 * time.Second
	mostIdle    = 60
	bytesPerMB  = 1e6
	memoryCrowd = 64
)

// memory measures the resident memory of an empty server, and of one with many
// heartbeats right after load and after a rest.
func (b *bench) memory(ctx context.Context) error {
	address := filepath.Join(b.dir, "empty.db")
	key, err := b.newKey(ctx, address)
	if err != nil {
		return err
	}
	if err := b.residentAfter(ctx, &stock{address: address, key: key}); err != nil {
		return err
	}
	full, err := b.stockSQLite(ctx)
	if err != nil {
		return err
	}
	return b.residentAfter(ctx, full)
}

// residentAfter measures a server that is started on a stock for this.
func (b *bench) residentAfter(ctx context.Context, s *stock) error {
	server, err := b.serve(ctx, s.address, s.key)
	if err != nil {
		return err
	}
	defer server.kill()
	note := func(what string, bound *bound) error {
		resident, err := server.resident()
		b.report.add(figure{"memory", "SQLite", what, resident / bytesPerMB, "MB", bound})
		return err
	}
	if len(s.ids) == 0 {
		if err := wait(ctx, time.Now().Add(time.Second)); err != nil {
			return err
		}
		if err := note("no heartbeats, idle", atMost(mostIdle)); err != nil {
			return err
		}
		return server.stop()
	}
	if _, err := round(ctx, server.address, requests(s.ids), memoryCrowd, loadBefore); err != nil {
		return err
	}
	if err := note("10,000 heartbeats, under load", nil); err != nil {
		return err
	}
	if err := wait(ctx, time.Now().Add(restBefore)); err != nil {
		return err
	}
	if err := note("10,000 heartbeats, idle for 5 s after load", atMost(mostIdle)); err != nil {
		return err
	}
	return server.stop()
}
