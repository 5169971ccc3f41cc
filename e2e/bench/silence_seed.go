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
	silentHeartbeats    = 100_000
	pingedHeartbeats    = 1_000
	heartbeatsPerCommit = 10_000
	// timeBeforeDeadline is the time between the last write and the deadline. In it, the server
	// starts and the pings begin.
	timeBeforeDeadline = 8 * time.Second
)

// silenceRule has no grace period: nothing happens before the deadline.
var silenceRule = monitor.Rule{Interval: time.Hour, Methods: monitor.AnyMethod}

// silenceData is a database whose heartbeats will miss the same deadline.
type silenceData struct {
	deadline  time.Time // of every silent heartbeat
	pingedIDs []string  // ids of heartbeats that are still pinged
}

// seedSilence fills an empty database.
func seedSilence(ctx context.Context, address string) (s silenceData, err error) {
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
	heartbeats, err := addMany(ctx, db, project.Key, silentHeartbeats+pingedHeartbeats)
	if err != nil {
		return s, err
	}
	for _, h := range heartbeats[silentHeartbeats:] {
		s.pingedIDs = append(s.pingedIDs, h.ID)
	}
	s.deadline, err = saveUp(ctx, db, heartbeats)
	return s, err
}

// addMany adds n heartbeats without pings.
func addMany(ctx context.Context, db *store.DB, project int64, n int) ([]monitor.Heartbeat, error) {
	var all []monitor.Heartbeat
	now := time.Now().UTC().Truncate(monitor.Precision)
	for len(all) < n {
		var some []monitor.Heartbeat
		err := db.Update(ctx, func(tx *store.Tx) error {
			some = nil
			for i := range min(heartbeatsPerCommit, n-len(all)) {
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

// saveUp saves all heartbeats as Up in one transaction. The silent ones are due at
// the returned deadline, the others much later. If the transaction takes too long,
// saveUp repeats it with a later deadline.
func saveUp(ctx context.Context, db *store.DB, heartbeats []monitor.Heartbeat) (deadline time.Time, err error) {
	for took := time.Duration(0); ; took *= 2 {
		begun := time.Now().UTC().Truncate(monitor.Precision)
		deadline = begun.Add(took + timeBeforeDeadline)
		transitions := make([]store.Transition, len(heartbeats))
		for i, h := range heartbeats {
			h.Status, h.CountedFrom = monitor.Up, begun
			if i < silentHeartbeats {
				h.CountedFrom = deadline.Add(-silenceRule.Interval)
			}
			h.StaleBefore, h.LastPing = h.CountedFrom, h.CountedFrom
			transitions[i] = store.Transition{Heartbeat: h}
		}
		err = db.Update(ctx, func(tx *store.Tx) error {
			_, err := tx.Save(begun, transitions)
			return err
		})
		if err != nil {
			return deadline, fmt.Errorf("seed: %w", err)
		}
		if time.Until(deadline) > timeBeforeDeadline/2 {
			return deadline, nil
		}
		took = max(took, time.Since(begun))
	}
}
