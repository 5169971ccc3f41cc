package manage

import (
	"context"
	"time"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// ProjectCounts are the numbers of a project that stand around its pages.
type ProjectCounts struct {
	store.NavCounts
	StatusCounts
	DuePerMinute [60]int // pings due in each minute from the given moment
	Newest       NewestKeys
}

// ProjectCounts reads the numbers that stand around the pages of the actor's project.
func (d *Service) ProjectCounts(ctx context.Context, a auth.Actor, now time.Time) (c ProjectCounts, err error) {
	if err := authorize(a, auth.Read); err != nil {
		return c, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if c.NavCounts, err = tx.NavCounts(a.Project.Key); err != nil {
			return err
		}
		if c.StatusCounts, err = tx.StatusCounts(a.Project.Key); err != nil {
			return err
		}
		if c.Newest, err = tx.NewestIDs(a.Project.Key); err != nil {
			return err
		}
		c.DuePerMinute, err = tx.ExpectedByMinute(a.Project.Key, now)
		return err
	})
	return c, err
}
