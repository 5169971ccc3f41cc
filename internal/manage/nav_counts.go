package manage

import (
	"context"

	"overdue/internal/auth"
	"overdue/internal/store"
)

// NavCounts are what every page of a person shows around what it is about.
type NavCounts struct {
	store.NavCounts               // of the actor's project
	Heartbeats      map[int64]int // how many each of the person's projects has, by its key
}

// NavCounts reads what surrounds the pages of a person.
func (d *Service) NavCounts(ctx context.Context, a auth.Actor) (s NavCounts, err error) {
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		if s.Heartbeats, err = tx.HeartbeatCountsByProject(a.Person); err != nil || !a.May(auth.Read) {
			return err
		}
		s.NavCounts, err = tx.NavCounts(a.Project.Key)
		return err
	})
	return s, err
}

// ProjectOf returns the key of the project that a thing belongs to: one of the
// heartbeats, incidents or channels, as paths call them. It reports false when
// there is none. It is for finding out for which project somebody acts, so no
// actor is asked yet: whoever calls must show nothing of it to who is not in
// that project.
func (d *Service) ProjectOf(ctx context.Context, things, id string) (project int64, found bool, err error) {
	if !isSearchable(id) {
		return 0, false, nil
	}
	err = d.db.View(ctx, func(tx *store.Tx) (err error) {
		project, found, err = tx.ProjectOf(things, id)
		return err
	})
	return project, found, err
}
