package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// The data of the mass silence. Its heartbeats are written to the store directly,
// because a hundred thousand API calls would take longer than everything else.
const (
	silentOnes = 100_000
	livingOnes = 1_000
	perCommit  = 10_000
	// lead is what is left until the deadline when all are in the database: to
	// start the server and to begin pinging.
	lead = 8 * time.Second
)

// silenceRule has no grace period, so that nothing happens before the deadline.
var silenceRule = monitor.Rule{Interval: time.Hour, Methods: monitor.AnyMethod}

// seeded is a database that is about to fall silent.
type seeded struct {
	deadline time.Time // of every silent heartbeat
	living   []string  // ids of heartbeats that are still pinged
}

// seed fills an empty database.
func seed(ctx context.Context, address string) (s seeded, err error) {
	db, err := store.Open(ctx, address)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var project monitor.Project
	err = db.View(ctx, func(tx *store.Tx) error {
		project, err = tx.ProjectBySlugOrName("main")
		return err
	})
	if err != nil {
		return s, err
	}
	heartbeats, err := addMany(ctx, db, project.Key, silentOnes+livingOnes)
	if err != nil {
		return s, err
	}
	for _, h := range heartbeats[silentOnes:] {
		s.living = append(s.living, h.ID)
	}
	s.deadline, err = up(ctx, db, heartbeats)
	return s, err
}

// addMany adds n heartbeats that nobody has pinged yet.
func addMany(ctx context.Context, db *store.DB, project int64, n int) ([]monitor.Heartbeat, error) {
	var all []monitor.Heartbeat
	now := time.Now().UTC().Truncate(monitor.Precision)
	for len(all) < n {
		var some []monitor.Heartbeat
		err := db.Update(ctx, func(tx *store.Tx) error {
			some = nil
			for i := range min(perCommit, n-len(all)) {
				name := fmt.Sprintf("job %06d", len(all)+i)
				h, err := tx.AddHeartbeat(monitor.Heartbeat{
					ID: uuid.NewString(), Ref: name, Project: project, Name: name, Slug: name,
					Rule: silenceRule, AllChannels: true, Status: monitor.New, Created: now, Updated: now,
				})
				if err != nil {
					return err
				}
				some = append(some, h)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("seed: %w", err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// up saves all heartbeats as up: the silent ones due at the deadline that is
// returned, the others much later. It is one transaction, which is run again,
// with a later deadline, when it took too long.
func up(ctx context.Context, db *store.DB, heartbeats []monitor.Heartbeat) (deadline time.Time, err error) {
	for took := time.Duration(0); ; took *= 2 {
		begun := time.Now().UTC().Truncate(monitor.Precision)
		deadline = begun.Add(took + lead)
		judged := make([]store.Transition, len(heartbeats))
		for i, h := range heartbeats {
			h.Status, h.CountedFrom = monitor.Up, begun
			if i < silentOnes {
				h.CountedFrom = deadline.Add(-silenceRule.Interval)
			}
			h.StaleBefore, h.LastPing = h.CountedFrom, h.CountedFrom
			judged[i] = store.Transition{Heartbeat: h}
		}
		err = db.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Save(begun, judged)
			return err
		})
		if err != nil {
			return deadline, fmt.Errorf("seed: %w", err)
		}
		if time.Until(deadline) > lead/2 {
			return deadline, nil
		}
		took = max(took, time.Since(begun))
	}
}
