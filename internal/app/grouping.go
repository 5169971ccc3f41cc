package app

import (
	"context"
	"time"

	"overdue/internal/loop"
)

// Waits of the loop that groups incidents.
const (
	groupingPause    = 200 * time.Millisecond // between two runs, however many heartbeats change
	groupingInterval = 5 * time.Second        // another node may have opened incidents
)

// groupIncidents decides which new incidents belong together, and acknowledges the members of acknowledged
// groups. It is not part of a sweep: whether an incident belongs to a group delays no alert.
func (e *Engine) groupIncidents(ctx context.Context, now time.Time) (time.Duration, error) {
	if wait := groupingPause - now.Sub(e.groupedAt); wait > 0 && wait <= groupingPause {
		return wait, nil
	}
	step, err := e.db.RunGrouping(ctx, now)
	if err != nil {
		return 0, err
	}
	e.signals().Send(loop.Effects{Pending: step.Pending, Changed: step.Changed})
	if step.More {
		return time.Millisecond, nil
	}
	e.groupedAt = now
	return groupingInterval, nil
}
