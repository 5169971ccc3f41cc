package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// listNames returns the names of the heartbeats that a filter matches, in order, in one page.
func (w *fixture) listNames(f store.HeartbeatFilter) []string {
	w.Helper()
	f.Project, f.Limit = w.project.Key, 1000
	var all []string
	for _, h := range view(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { return tx.Heartbeats(f) }) {
		all = append(all, h.Name)
	}
	return all
}

func TestHeartbeat_IsFoundByIDAndRefInItsProjectUntilDeleted(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		other := w.addProject("other")
		find := func(project int64, name string) (monitor.Heartbeat, error) {
			var h monitor.Heartbeat
			err := w.db.View(context.Background(), func(tx *store.Tx) (err error) {
				h, err = tx.Heartbeat(project, name)
				return err
			})
			return h, err
		}
		change := func(project int64, name string) error {
			return w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := tx.HeartbeatForUpdate(project, name); return err })
		}
		for _, name := range []string{h.ID, h.Ref} {
			if got, err := find(h.Project, name); err != nil || got.Key != h.Key {
				w.Errorf("found %d, %v; want %d", got.Key, err, h.Key)
			}
		}
		if err := change(h.Project, h.ID); err != nil {
			w.Error(err)
		}
		w.expectFault(change(h.Project, h.Ref), monitor.NotFound) // a ref may be public
		for _, name := range []string{"", "%", h.Slug, uuid.NewString()} {
			_, err := find(h.Project, name)
			w.expectFault(err, monitor.NotFound)
		}
		_, err := find(other.Key, h.ID)
		w.expectFault(err, monitor.NotFound)
		w.expectFault(change(other.Key, h.ID), monitor.NotFound)
		h.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
		_, err = find(h.Project, h.ID)
		w.expectFault(err, monitor.NotFound)
		w.expectFault(change(h.Project, h.ID), monitor.NotFound)
		if !w.reload(h).Deleted.Equal(w.start) {
			w.Error("a deleted heartbeat is not found by its key")
		}
		w.expectFault(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.HeartbeatByKey(h.Key + 1); return err }), monitor.NotFound)
	})
}

func TestAddHeartbeat_ASlugIsUniqueInItsProject(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		rival := w.newSavedHeartbeat("rival")
		main, other := w.project, w.addProject("other")
		w.project = other
		w.newSavedHeartbeat("backup")
		w.project = main
		add := func() error {
			return w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := tx.AddHeartbeat(w.newHeartbeat("backup")); return err })
		}
		if err := add(); !errors.Is(err, store.ErrTaken) {
			w.Errorf("second heartbeat: %v; want ErrTaken", err)
		}
		rival.Slug = "backup"
		err := w.db.Update(context.Background(), func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(rival) })
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("renamed heartbeat: %v; want ErrTaken", err)
		}
		by := func() (h monitor.Heartbeat, found bool) {
			w.update(func(tx *store.Tx) (err error) {
				h, found, err = tx.LockHeartbeatBySlug(w.project.Key, "backup")
				return err
			})
			return h, found
		}
		if got, found := by(); !found || got.Key != h.Key {
			w.Errorf("by its slug found %t %d; want %d", found, got.Key, h.Key)
		}
		h.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
		if _, found := by(); found {
			w.Error("a deleted heartbeat is found by its slug")
		}
		if err := add(); err != nil {
			w.Errorf("heartbeat after the first one was deleted: %v", err)
		}
	})
}

func TestSaveHeartbeatSettings_LeavesTheStateUnchanged(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		h := w.newSavedHeartbeat("backup")
		w.applyPings(h, w.ping(monitor.PingSuccess, time.Minute))
		h.Name = "Backup" // of a heartbeat as it stood before the ping
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(h) })
		if got := w.reload(h); got.Name != "Backup" || got.Status != monitor.Up || got.PingCount != 1 {
			w.Errorf("it is %q, %s, after %d pings; want the new name, and the ping still counted", got.Name, got.Status, got.PingCount)
		}
	})
}

func TestAddHeartbeat_ARolledBackHeartbeatUsesNoKey(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		first := w.newSavedHeartbeat("a")
		w.rollBack(func(tx *store.Tx) error { _, err := tx.AddHeartbeat(w.newHeartbeat("b")); return err })
		if second := w.newSavedHeartbeat("c"); second.Key != first.Key+1 {
			w.Errorf("keys %d and %d; want the second to follow the first", first.Key, second.Key)
		}
	})
}

// addManyHeartbeats adds 250 heartbeats whose names, times and states repeat.
func (w *fixture) addManyHeartbeats() []monitor.Heartbeat {
	w.Helper()
	var all []monitor.Heartbeat
	w.update(func(tx *store.Tx) error {
		all = nil
		for n := range 250 {
			h := w.newHeartbeat(fmt.Sprintf("job-%d", n))
			h.Name = []string{"Zeta", "alpha", "Éclair", "100%", `o'hare "x"`, "a_b", `back\slash`}[n%7]
			h.Created = w.at(time.Duration(n*7%40) * time.Microsecond)
			h, err := tx.AddHeartbeat(h)
			if err != nil {
				return err
			}
			all = append(all, h)
		}
		var transitions []store.Transition
		for n, h := range all[:200] {
			h, change := h.ApplyPing(w.ping(monitor.PingSuccess, time.Duration(n*3%50)*time.Microsecond), w.at(0))
			transitions, all[n] = append(transitions, store.Transition{Heartbeat: h, Change: change}), h
		}
		_, err := tx.Save(w.start, transitions)
		return err
	})
	return all
}

func TestHeartbeats_PagesContainEachHeartbeatOnceInOrder(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		all := w.addManyHeartbeats()
		never := time.UnixMicro(1 << 62)
		due := func(h monitor.Heartbeat) time.Time {
			if h.ExpectsPings() {
				return h.Due()
			}
			return never
		}
		for sort, order := range map[string]func(a, b monitor.Heartbeat) int{
			"name":    func(a, b monitor.Heartbeat) int { return cmp.Compare(lowerInSQL(w, a.Name), lowerInSQL(w, b.Name)) },
			"created": func(a, b monitor.Heartbeat) int { return a.Created.Compare(b.Created) },
			"due":     func(a, b monitor.Heartbeat) int { return due(a).Compare(due(b)) },
		} {
			want := slices.Clone(all)
			slices.SortFunc(want, func(a, b monitor.Heartbeat) int { return cmp.Or(order(a, b), cmp.Compare(a.Key, b.Key)) })
			for _, limit := range []int{4, 250, 1000} {
				if diff := gocmp.Diff(heartbeatKeys(want), heartbeatKeys(w.allPages(store.HeartbeatFilter{Sort: sort, Limit: limit}))); diff != "" {
					w.Errorf("by %s, %d a page (-want +got):\n%s", sort, limit, diff)
				}
			}
		}
	})
}

// lowerInSQL returns a name as the database sorts it: SQLite lowers ASCII only.
func lowerInSQL(w *fixture, name string) string {
	if !store.OnSQLite(w.db) {
		return strings.ToLower(name)
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// allPages returns all pages of a list.
func (w *fixture) allPages(f store.HeartbeatFilter) []monitor.Heartbeat {
	w.Helper()
	f.Project = w.project.Key
	var all []monitor.Heartbeat
	for range 1000 {
		var page []monitor.Heartbeat
		w.update(func(tx *store.Tx) (err error) {
			positions, _, err := tx.SelectHeartbeats(f)
			if err != nil || len(positions) == 0 {
				page = nil
				return err
			}
			f.From = positions[len(positions)-1]
			page, err = tx.HeartbeatsAt(positions)
			return err
		})
		all = append(all, page...)
		if len(page) < f.Limit {
			return all
		}
	}
	w.Fatal("the list does not end")
	return nil
}

func heartbeatKeys(all []monitor.Heartbeat) []int64 {
	var keys []int64
	for _, h := range all {
		keys = append(keys, h.Key)
	}
	return keys
}

func TestHeartbeats_ListsOnlyExistingHeartbeatsOfTheProject(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		w.newSavedHeartbeat("kept")
		gone := w.newSavedHeartbeat("gone")
		gone.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveHeartbeatSettings(gone) })
		main := w.project
		w.project = w.addProject("other")
		w.newSavedHeartbeat("other")
		w.project = main
		if diff := gocmp.Diff([]string{"kept"}, w.listNames(store.HeartbeatFilter{})); diff != "" {
			w.Errorf("listed (-want +got):\n%s", diff)
		}
	})
}

func TestHeartbeats_FiltersByStatusAndTag(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for name, tags := range map[string][]string{
			"a": {"prod", "db"}, "b": {"Prod"}, "c": {"pro"}, "d": nil, "e": {`p"r\od`, "<&>", "%", "é"},
		} {
			h := w.newHeartbeat(name)
			h.Tags = tags
			w.addHeartbeat(h)
		}
		up := w.newSavedHeartbeat("up")
		w.applyPings(up, w.ping(monitor.PingSuccess, 0))
		for tag, want := range map[string][]string{
			"prod": {"a"}, "Prod": {"b"}, "pro": {"c"}, "db": {"a"}, `p"r\od`: {"e"}, "<&>": {"e"}, "%": {"e"}, "é": {"e"},
			"_": nil, "pr": nil, `","`: nil, "u003c": nil, `prod","db`: nil,
		} {
			if diff := gocmp.Diff(want, w.listNames(store.HeartbeatFilter{Tags: []string{tag}})); diff != "" {
				w.Errorf("with tag %q (-want +got):\n%s", tag, diff)
			}
		}
		if diff := gocmp.Diff([]string{"up"}, w.listNames(store.HeartbeatFilter{Status: monitor.Up})); diff != "" {
			w.Errorf("with status up (-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff([]string(nil), w.listNames(store.HeartbeatFilter{Status: monitor.Up, Tags: []string{"prod"}})); diff != "" {
			w.Errorf("with status up and tag prod (-want +got):\n%s", diff)
		}
	})
}

func TestHeartbeats_SearchesForTheLiteralText(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		texts := map[string]string{
			"a": "100% Sure", "b": "100 sure", "c": "a_b", "d": "axb", "e": `back\slash`, "f": "it's", "g": `say "hi"`, "h": "ÉTÉ", "i": "日本",
		}
		for _, slug := range slices.Sorted(maps.Keys(texts)) { // the order of the list
			text := texts[slug]
			h := w.newHeartbeat(slug)
			h.Name, h.Slug = slug, "slug-"+slug
			switch { // in the description or in a tag
			case slug < "e":
				h.Description = text
			default:
				h.Tags = []string{"other", text}
			}
			w.addHeartbeat(h)
		}
		for text, want := range map[string][]string{
			"100%": {"a"}, "sure": {"a", "b"}, "SURE": {"a", "b"}, "a_b": {"c"}, `\`: {"e"}, `K\S`: {"e"}, "'": {"f"}, `"`: {"g"},
			`"hi"`: {"g"}, "ÉTÉ": {"h"}, "日": {"i"}, "%": {"a"}, "_": {"c"}, "[": nil, "]": nil, ",": nil, "SLUG-A": {"a"}, "' OR 1=1 --": nil,
		} {
			if diff := gocmp.Diff(want, w.listNames(store.HeartbeatFilter{Text: text})); diff != "" {
				w.Errorf("with %q (-want +got):\n%s", text, diff)
			}
		}
	})
}
