package writebehind

import (
	"context"
	"fmt"

	"overdue/internal/store/dialect"
)

// contextMutex is a mutex whose Lock ends with a context.
type contextMutex chan struct{}

// lock waits for the mutex.
func (m contextMutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting to write: %w", dialect.ErrNoAnswer, ctx.Err())
	}
}

// unlock releases the mutex.
func (m contextMutex) unlock() { <-m }

// LockTables waits for the lock of the tables.
func (b *Buffer) LockTables(ctx context.Context) error { return b.tables.lock(ctx) }

// UnlockTables releases the lock of the tables.
func (b *Buffer) UnlockTables() { b.tables.unlock() }

// Lock waits for the lock of the log.
func (b *Buffer) Lock(ctx context.Context) error { return b.append.lock(ctx) }

// Unlock releases the lock of the log.
func (b *Buffer) Unlock() { b.append.unlock() }

// LockBoth waits for both locks.
func (b *Buffer) LockBoth(ctx context.Context) error {
	if err := b.LockTables(ctx); err != nil {
		return err
	}
	if err := b.Lock(ctx); err != nil {
		b.UnlockTables()
		return err
	}
	return nil
}
