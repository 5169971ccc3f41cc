package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// names lists the heartbeats that a filter finds, in order, in one page.
func (w *world) names(f store.HeartbeatFilter) []string {
	w.Helper()
	f.Project, f.Limit = w.project.Key, 1000
	var all []string
	for _, h := range seen(w, func(tx *store.Tx) ([]monitor.Heartbeat, error) { list, _, err := tx.Heartbeats(f); return list, err }) {
		all = append(all, h.Name)
	}
	return all
}

func TestAHeartbeatIsFoundByIDAndRefInItsProjectWhileItLives(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
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
			return w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := tx.HeartbeatToChange(project, name); return err })
		}
		for _, name := range []string{h.ID, h.Ref} {
			if got, err := find(h.Project, name); err != nil || got.Key != h.Key {
				w.Errorf("found %d, %v; want %d", got.Key, err, h.Key)
			}
		}
		if err := change(h.Project, h.ID); err != nil {
			w.Error(err)
		}
		w.wrong(change(h.Project, h.Ref), monitor.Missing) // a ref may be public
		for _, name := range []string{"", "%", h.Slug, uuid.NewString()} {
			_, err := find(h.Project, name)
			w.wrong(err, monitor.Missing)
		}
		_, err := find(other.Key, h.ID)
		w.wrong(err, monitor.Missing)
		w.wrong(change(other.Key, h.ID), monitor.Missing)
		h.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveSettings(h) })
		_, err = find(h.Project, h.ID)
		w.wrong(err, monitor.Missing)
		w.wrong(change(h.Project, h.ID), monitor.Missing)
		if !w.now(h).Deleted.Equal(w.start) {
			w.Error("by its key it is not found deleted")
		}
		w.wrong(w.db.View(context.Background(), func(tx *store.Tx) error { _, err := tx.HeartbeatByKey(h.Key + 1); return err }), monitor.Missing)
	})
}

func TestASlugIsUniqueAmongTheLivingOfAProject(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		rival := w.heartbeat("rival")
		main, other := w.project, w.addProject("other")
		w.project = other
		w.heartbeat("backup")
		w.project = main
		add := func() error {
			return w.db.Update(context.Background(), func(tx *store.Tx) error { _, err := tx.AddHeartbeat(w.newHeartbeat("backup")); return err })
		}
		if err := add(); !errors.Is(err, store.ErrTaken) {
			w.Errorf("adding a second one: %v; want ErrTaken", err)
		}
		rival.Slug = "backup"
		err := w.db.Update(context.Background(), func(tx *store.Tx) error { return tx.SaveSettings(rival) })
		if !errors.Is(err, store.ErrTaken) {
			w.Errorf("renaming another: %v; want ErrTaken", err)
		}
		by := func() (h monitor.Heartbeat, found bool) {
			w.update(func(tx *store.Tx) (err error) {
				h, found, err = tx.HeartbeatBySlug(w.project.Key, "backup")
				return err
			})
			return h, found
		}
		if got, found := by(); !found || got.Key != h.Key {
			w.Errorf("by its slug found %t %d; want %d", found, got.Key, h.Key)
		}
		h.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveSettings(h) })
		if _, found := by(); found {
			w.Error("a deleted one is found by its slug")
		}
		if err := add(); err != nil {
			w.Errorf("adding one after the first was deleted: %v", err)
		}
	})
}

func TestSettingsAndStandingAreSavedApart(t *testing.T) {
	onEach(t, func(w *world) {
		h := w.heartbeat("backup")
		w.hear(h, w.ping(monitor.Success, time.Minute))
		h.Name = "Backup" // of a heartbeat as it stood before the ping
		w.update(func(tx *store.Tx) error { return tx.SaveSettings(h) })
		if got := w.now(h); got.Name != "Backup" || got.Status != monitor.Up || got.Pings != 1 {
			w.Errorf("it is %q, %s, after %d pings; want the new name, and the ping not undone", got.Name, got.Status, got.Pings)
		}
	})
}

func TestAHeartbeatThatWasNotKeptTakesNoKey(t *testing.T) {
	onEach(t, func(w *world) {
		first := w.heartbeat("a")
		w.undo(func(tx *store.Tx) error { _, err := tx.AddHeartbeat(w.newHeartbeat("b")); return err })
		if second := w.heartbeat("c"); second.Key != first.Key+1 {
			w.Errorf("keys %d and %d; want the second to follow the first", first.Key, second.Key)
		}
	})
}

// crowd keeps 250 heartbeats whose names, times and standing repeat.
func (w *world) crowd() []monitor.Heartbeat {
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
		var judged []store.Judgement
		for n, h := range all[:200] {
			h, change := h.Hear(w.ping(monitor.Success, time.Duration(n*3%50)*time.Microsecond), w.at(0))
			judged, all[n] = append(judged, store.Judgement{Heartbeat: h, Change: change}), h
		}
		_, err := tx.Save(w.start, judged)
		return err
	})
	return all
}

func TestPagesOfASortedListHaveEachHeartbeatOnceInOrder(t *testing.T) {
	onEach(t, func(w *world) {
		all := w.crowd()
		never := time.UnixMicro(1 << 62)
		due := func(h monitor.Heartbeat) time.Time {
			if next := h.Next(); !next.IsZero() {
				return next
			}
			return never
		}
		for sort, order := range map[string]func(a, b monitor.Heartbeat) int{
			"name":    func(a, b monitor.Heartbeat) int { return cmp.Compare(lowered(w, a.Name), lowered(w, b.Name)) },
			"created": func(a, b monitor.Heartbeat) int { return a.Created.Compare(b.Created) },
			"due":     func(a, b monitor.Heartbeat) int { return due(a).Compare(due(b)) },
		} {
			want := slices.Clone(all)
			slices.SortFunc(want, func(a, b monitor.Heartbeat) int { return cmp.Or(order(a, b), cmp.Compare(a.Key, b.Key)) })
			for _, limit := range []int{4, 250, 1000} {
				if diff := gocmp.Diff(keys(want), keys(w.paged(store.HeartbeatFilter{Sort: sort, Limit: limit}))); diff != "" {
					w.Errorf("by %s, %d a page (-want +got):\n%s", sort, limit, diff)
				}
			}
		}
	})
}

// lowered is a name as the database sorts it: SQLite lowers ASCII only.
func lowered(w *world, name string) string {
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

// paged turns the pages of a list until the last.
func (w *world) paged(f store.HeartbeatFilter) []monitor.Heartbeat {
	w.Helper()
	f.Project = w.project.Key
	var all []monitor.Heartbeat
	for range 1000 {
		var page []monitor.Heartbeat
		w.update(func(tx *store.Tx) (err error) {
			page, f.After, err = tx.Heartbeats(f)
			return err
		})
		all = append(all, page...)
		if len(page) < f.Limit {
			return all
		}
	}
	w.Fatal("the list has no end")
	return nil
}

func keys(all []monitor.Heartbeat) []int64 {
	var keys []int64
	for _, h := range all {
		keys = append(keys, h.Key)
	}
	return keys
}

func TestALastPageHasNoCursor(t *testing.T) {
	onEach(t, func(w *world) {
		list, after, err := []monitor.Heartbeat(nil), store.Cursor{}, error(nil)
		err = w.db.View(context.Background(), func(tx *store.Tx) error {
			list, after, err = tx.Heartbeats(store.HeartbeatFilter{Project: w.project.Key, Limit: 10})
			return err
		})
		if len(list) != 0 || after != (store.Cursor{}) || err != nil {
			w.Errorf("an empty list has %d heartbeats, cursor %v, error %v", len(list), after, err)
		}
	})
}

func TestACursorOfAnotherListIsRefused(t *testing.T) {
	onEach(t, func(w *world) {
		w.heartbeat("backup")
		for _, sort := range []string{"created", "due"} {
			w.wrong(w.db.View(context.Background(), func(tx *store.Tx) error {
				_, _, err := tx.Heartbeats(store.HeartbeatFilter{Project: w.project.Key, Sort: sort, After: store.Cursor{Value: "backup", Key: 1}, Limit: 10})
				return err
			}), monitor.Invalid)
		}
	})
}

func TestTheListHasOnlyTheLivingOfTheProject(t *testing.T) {
	onEach(t, func(w *world) {
		w.heartbeat("kept")
		gone := w.heartbeat("gone")
		gone.Deleted = w.start
		w.update(func(tx *store.Tx) error { return tx.SaveSettings(gone) })
		main := w.project
		w.project = w.addProject("other")
		w.heartbeat("other")
		w.project = main
		if diff := gocmp.Diff([]string{"kept"}, w.names(store.HeartbeatFilter{})); diff != "" {
			w.Errorf("listed (-want +got):\n%s", diff)
		}
	})
}

func TestTheListIsFilteredByStatusAndTag(t *testing.T) {
	onEach(t, func(w *world) {
		for name, tags := range map[string][]string{
			"a": {"prod", "db"}, "b": {"Prod"}, "c": {"pro"}, "d": nil, "e": {`p"r\od`, "<&>", "%", "é"},
		} {
			h := w.newHeartbeat(name)
			h.Tags = tags
			w.add(h)
		}
		up := w.heartbeat("up")
		w.hear(up, w.ping(monitor.Success, 0))
		for tag, want := range map[string][]string{
			"prod": {"a"}, "Prod": {"b"}, "pro": {"c"}, "db": {"a"}, `p"r\od`: {"e"}, "<&>": {"e"}, "%": {"e"}, "é": {"e"},
			"_": nil, "pr": nil, `","`: nil, "u003c": nil, `prod","db`: nil,
		} {
			if diff := gocmp.Diff(want, w.names(store.HeartbeatFilter{Tag: tag})); diff != "" {
				w.Errorf("with tag %q (-want +got):\n%s", tag, diff)
			}
		}
		if diff := gocmp.Diff([]string{"up"}, w.names(store.HeartbeatFilter{Status: monitor.Up})); diff != "" {
			w.Errorf("with status up (-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff([]string(nil), w.names(store.HeartbeatFilter{Status: monitor.Up, Tag: "prod"})); diff != "" {
			w.Errorf("with status up and tag prod (-want +got):\n%s", diff)
		}
	})
}

func TestTheListIsSearchedByTextTakenLiterally(t *testing.T) {
	onEach(t, func(w *world) {
		for slug, text := range map[string]string{
			"a": "100% Sure", "b": "100 sure", "c": "a_b", "d": "axb", "e": `back\slash`, "f": "it's", "g": `say "hi"`, "h": "ÉTÉ", "i": "日本",
		} {
			h := w.newHeartbeat(slug)
			h.Name, h.Slug = slug, "slug-"+slug
			switch { // in the description or in a tag
			case slug < "e":
				h.Description = text
			default:
				h.Tags = []string{"other", text}
			}
			w.add(h)
		}
		for text, want := range map[string][]string{
			"100%": {"a"}, "sure": {"a", "b"}, "SURE": {"a", "b"}, "a_b": {"c"}, `\`: {"e"}, `K\S`: {"e"}, "'": {"f"}, `"`: {"g"},
			`"hi"`: {"g"}, "ÉTÉ": {"h"}, "日": {"i"}, "%": {"a"}, "_": {"c"}, "[": nil, "]": nil, ",": nil, "SLUG-A": {"a"}, "' OR 1=1 --": nil,
		} {
			if diff := gocmp.Diff(want, w.names(store.HeartbeatFilter{Text: text})); diff != "" {
				w.Errorf("with %q (-want +got):\n%s", text, diff)
			}
		}
	})
}
