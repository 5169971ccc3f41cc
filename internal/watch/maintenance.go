package watch

import (
	"context"
	"time"

	"overdue/internal/loop"
	"overdue/internal/store"
)

// maxPlanWait is the longest time between two looks for maintenance to plan. The windows that are
// planned reach further.
const maxPlanWait = 10 * time.Second

// PlanMaintenance plans more windows of recurring maintenance, before those in the state of the
// heartbeats are over. It also plans again what was changed some seconds ago, see
// [store.Tx.SaveMaintenance].
func (w *Watcher) PlanMaintenance(ctx context.Context, _ time.Time) (wait time.Duration, err error) {
	projects, next, err := w.DB.ProjectsToPlan(ctx, w.DB.Now())
	if err != nil {
		return 0, err
	}
	for _, project := range projects {
		if err := w.planProject(ctx, project); err != nil {
			return 0, err
		}
	}
	if wait = maxPlanWait; !next.IsZero() {
		wait = max(min(next.Sub(w.DB.Now()), maxPlanWait), minWait)
	}
	return wait, nil
}

// planProject plans the maintenance of one project.
func (w *Watcher) planProject(ctx context.Context, project int64) error {
	snapshot := w.Snapshot() // before the transaction, which then sees every ping that is not in flight
	var p store.Planned
	err := w.DB.Update(ctx, func(tx *store.Tx) error {
		peers, err := tx.Peers(snapshot.Now)
		if err != nil {
			return err
		}
		p, err = tx.PlanMaintenance(project, snapshot.Now, func(id string) time.Time { return peers.Watermark(id, snapshot.EvaluableUntil(id)) })
		return err
	})
	if err == nil && len(p.Changed) > 0 {
		w.Signals.Send(loop.Effects{NextDue: p.NextDue, Pending: p.NewAlerts > 0, Changed: p.Changed})
	}
	return err
}
