package manage

import (
	"context"
	"time"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// Counts are the numbers of a project that stand around its pages.
type Counts struct {
	store.Standing
	Tally
	Minutes [60]int // pings due in each minute from the given moment
	Newest  Newest
}

// Counts reads the numbers that stand around the pages of the actor's project.
func (d *Desk) Counts(ctx context.Context, a auth.Actor, now time.Time) (c Counts, err error) {
	if err := may(a, auth.Read); err != nil {
		return c, err
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if c.Standing, err = tx.Standing(a.Project.Key); err != nil {
			return err
		}
		if c.Tally, err = tx.Tally(a.Project.Key); err != nil {
			return err
		}
		if c.Newest, err = tx.Newest(a.Project.Key); err != nil {
			return err
		}
		c.Minutes, err = tx.Ahead(a.Project.Key, now)
		return err
	})
	return c, err
}
