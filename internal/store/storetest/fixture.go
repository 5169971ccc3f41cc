package storetest

import (
	"context"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// Fixture is an open store with the steps that the fixtures of other packages share.
type Fixture struct {
	*testing.T
	DB *store.DB
}

// Open opens the store at an address until the test ends.
func Open(t *testing.T, address string) *Fixture {
	t.Helper()
	db, err := store.Open(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Fixture{T: t, DB: db}
}

// Update changes the store.
func (f *Fixture) Update(fn func(*store.Tx) error) {
	f.Helper()
	if err := f.DB.Update(context.Background(), fn); err != nil {
		f.Fatal(err)
	}
}

// View reads the store.
func (f *Fixture) View(fn func(*store.Tx) error) {
	f.Helper()
	if err := f.DB.View(context.Background(), fn); err != nil {
		f.Fatal(err)
	}
}

// AddProject adds a project in UTC.
func (f *Fixture) AddProject(slug, name string) (p monitor.Project) {
	f.Helper()
	f.Update(func(tx *store.Tx) (err error) {
		p, err = tx.AddProject(monitor.Project{Slug: slug, Name: name, Zone: "UTC", Created: time.Now().UTC()})
		return err
	})
	return p
}

// AddBlackout records that no node was watching between two times, and evaluates the heartbeats
// that are due at its end. failure is what the database reported, nil for nothing.
func (f *Fixture) AddBlackout(from, to time.Time, failure error) (b monitor.Blackout) {
	f.Helper()
	ctx, nothing := context.Background(), func(*store.Tx) error { return nil }
	if _, err := f.DB.RecordWatching(ctx, from, store.Evidence{Version: "1"}, nothing); err != nil {
		f.Fatal(err)
	}
	r, err := f.DB.RecordWatching(ctx, to, store.Evidence{Version: "1", Started: from.Add(-time.Hour), Failure: failure}, nothing)
	if err != nil || r.Blackout == nil {
		f.Fatalf("blackout %v, %v", r.Blackout, err)
	}
	f.Update(func(tx *store.Tx) error {
		due, err := tx.DueForEvaluation(to, 1000)
		if err != nil {
			return err
		}
		var all []store.Transition
		for _, h := range due {
			after, change := h.Evaluate(to)
			all = append(all, store.Transition{Heartbeat: after, Change: change})
		}
		_, err = tx.Save(to, all)
		return err
	})
	return *r.Blackout
}
