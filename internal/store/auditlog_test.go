package store_test

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestTheAuditLogIsReadByPageAndSearched(t *testing.T) {
	onEach(t, func(w *world) {
		other := w.addProject("other")
		for n, e := range []monitor.AuditEntry{
			{Project: w.project.Key, Actor: "Ada", Target: "backup"},
			{Project: w.project.Key, Actor: "Bob", Target: "100% done"},
			{Project: other.Key, Actor: "Ada", Target: "elsewhere"},
			{Project: w.project.Key, Actor: "Ada", Target: "sync"},
		} {
			e.At, e.Action, e.Source = w.at(time.Duration(n/2)*time.Minute), "x.y", "192.0.2.1"
			w.update(func(tx *store.Tx) error { return tx.Audit(e) })
		}
		page := func(text string, before store.Cursor, limit int) (targets []string, last store.Cursor) {
			lines := seen(w, func(tx *store.Tx) ([]store.AuditLine, error) {
				return tx.AuditLog(store.AuditQuery{Project: w.project.Key, Text: text, Before: before, Limit: limit})
			})
			for _, l := range lines {
				if l.Source != "192.0.2.1" {
					w.Errorf("source %q", l.Source)
				}
				targets, last = append(targets, l.Target), l.Place
			}
			return targets, last
		}
		all, _ := page("", store.Cursor{}, 10)
		if len(all) != 3 || all[0] != "sync" {
			w.Fatalf("all: %v", all)
		}
		var walked []string
		for at, n := (store.Cursor{}), 0; n < 4; n++ {
			var targets []string
			if targets, at = page("", at, 1); len(targets) == 0 {
				break
			}
			walked = append(walked, targets...)
		}
		if !slices.Equal(walked, all) {
			w.Errorf("page by page %v; want %v", walked, all)
		}
		for text, want := range map[string]int{"ADA": 2, "back": 1, "%": 1, "_": 0, "elsewhere": 0} {
			if got, _ := page(text, store.Cursor{}, 10); len(got) != want {
				w.Errorf("%q finds %v; want %d", text, got, want)
			}
		}
	})
}

func TestKeysAreListedUntilTheyAreRevoked(t *testing.T) {
	onEach(t, func(w *world) {
		other := w.addProject("other")
		key := made(w, func(tx *store.Tx) (monitor.APIKey, error) {
			return tx.AddKey(monitor.APIKey{Project: w.project.Key, Name: "deploy", Prefix: "ovd_ABCD", By: "Ada", Created: w.start}, "hash")
		})
		list := func() []monitor.APIKey {
			return seen(w, func(tx *store.Tx) ([]monitor.APIKey, error) { return tx.Keys(w.project.Key) })
		}
		if got := list(); len(got) != 1 || got[0] != key {
			w.Errorf("%+v; want %+v", got, key)
		}
		for _, step := range []struct {
			project int64
			want    bool
		}{{other.Key, false}, {w.project.Key, true}, {w.project.Key, false}} {
			if done := made(w, func(tx *store.Tx) (bool, error) { return tx.RevokeKey(step.project, key.ID, w.start) }); done != step.want {
				w.Errorf("revoked by project %d: %t; want %t", step.project, done, step.want)
			}
		}
		if len(list()) != 0 || sought(w, func(tx *store.Tx) (monitor.APIKey, bool, error) { return tx.Key("hash") }).Found {
			w.Error("a revoked key is still there")
		}
	})
}
