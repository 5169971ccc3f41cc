package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"overdue/internal/metrics"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// newRetentionLoop returns the loop of a server with the given settings, as it is after
// the start.
func newRetentionLoop(t *testing.T, db *store.DB, keep monitor.Retention, log *slog.Logger) *retentionLoop {
	t.Helper()
	db.SetRetention(keep)
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.PublishRetention() }); err != nil {
		t.Fatal(err)
	}
	none := func() float64 { return 0 }
	return &retentionLoop{db: db, cleanup: db.NewCleanup(), metrics: metrics.New(none, none), log: log, deleted: map[string]int64{}}
}

// runRound runs a loop until its round has ended.
func (r *retentionLoop) runRound(t *testing.T, now time.Time) {
	t.Helper()
	for range 1000 {
		wait, err := r.run(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if wait == cleanupInterval {
			return
		}
	}
	t.Fatal("the round does not end")
}

func TestRetentionLoop_WarnsOnceAboutOtherSettings(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		now := time.Now().UTC()
		short := monitor.DefaultRetention
		short.Pings = 30 * 24 * time.Hour
		db := open()
		first := newRetentionLoop(t, db, monitor.DefaultRetention, logger)
		first.runRound(t, now)
		if log.Len() > 0 {
			t.Errorf("one server logged %s", &log)
		}
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.SetSetting("retention", short.String()) }); err != nil {
			t.Fatal(err)
		}
		first.runRound(t, now)
		first.runRound(t, now)
		if n := strings.Count(log.String(), "retention differs between servers"); n != 1 || !strings.Contains(log.String(), "pings 30d") {
			t.Errorf("logged %d times:\n%s", n, &log)
		}
	})
}

func TestRetentionLoop_LogsAndCountsWhatItDeletes(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		var log bytes.Buffer
		db := open()
		r := newRetentionLoop(t, db, monitor.DefaultRetention, slog.New(slog.NewTextHandler(&log, nil)))
		now := time.Now().UTC().Truncate(monitor.Precision)
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: now})
			for range 450 {
				if err == nil {
					err = tx.AddAuditEntry(monitor.AuditEntry{Project: p.Key, At: now, Actor: "Ann", Kind: monitor.ActorPerson, ActorID: "ann", Action: "x"})
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		r.runRound(t, now.Add(401*24*time.Hour))
		if !strings.Contains(log.String(), `msg="expired rows deleted" component=store audit=450`) {
			t.Errorf("logged %s; want the number of rows", &log)
		}
		log.Reset()
		r.runRound(t, now.Add(402*24*time.Hour))
		if log.Len() > 0 {
			t.Errorf("logged %s after nothing was deleted", &log)
		}
	})
}

// A clock that is far ahead looks like a long blackout. The rows are needed when the clock
// is right again.
func TestRetentionLoop_DeletesNothingForADayAfterALongBlackout(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		var log bytes.Buffer
		db := open()
		r := newRetentionLoop(t, db, monitor.DefaultRetention, slog.New(slog.NewTextHandler(&log, nil)))
		now := time.Now().UTC().Truncate(monitor.Precision)
		ahead := now.Add(500 * 24 * time.Hour)
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: now})
			if err == nil {
				err = tx.AddAuditEntry(monitor.AuditEntry{Project: p.Key, At: now, Actor: "Ann", Kind: monitor.ActorPerson, ActorID: "ann", Action: "x"})
			}
			return err
		})
		for _, at := range []time.Time{now, ahead} {
			if err == nil {
				_, err = db.RecordWatching(t.Context(), at, store.Evidence{}, func(*store.Tx) error { return nil })
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		r.runRound(t, ahead.Add(23*time.Hour))
		if log.Len() > 0 {
			t.Errorf("logged %s within a day", &log)
		}
		r.runRound(t, ahead.Add(25*time.Hour))
		if !strings.Contains(log.String(), "audit=1") {
			t.Errorf("logged %q after a day; want the deletion", &log)
		}
	})
}
