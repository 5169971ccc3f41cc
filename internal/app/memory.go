package app

import (
	"context"
	"runtime/debug"
	"time"

	"overdue/internal/store"
)

// memory gives back what a burst of pings has taken, once it is over. The
// runtime would do so by itself, over some minutes.
type memory struct {
	stored func() int64 // pings so far
	db     *store.DB
	last   int64
	busy   bool // a burst is not yet paid back
}

// When a burst begins and is over, in pings per look.
const (
	burst        = 5000
	quiet        = 100
	betweenLooks = time.Second
)

// look is one turn of the loop "memory".
func (m *memory) look(ctx context.Context, _ time.Time) (time.Duration, error) {
	stored := m.stored()
	came := stored - m.last
	m.last = stored
	switch {
	case came > burst:
		m.busy = true
	case m.busy && came < quiet:
		if err := m.db.Rest(ctx); err != nil {
			return 0, err
		}
		debug.FreeOSMemory()
		m.busy = false
	}
	return betweenLooks, nil
}
