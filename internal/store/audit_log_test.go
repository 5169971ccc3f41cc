package store_test

import (
	"slices"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

func TestAuditLog_IsPagedAndSearchable(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		other := w.addProject("other")
		for n, e := range []monitor.AuditEntry{
			{Project: w.project.Key, Actor: "Ada", ActorID: "a", Target: "backup"},
			{Project: w.project.Key, Actor: "Bob", ActorID: "b", Target: "100% done"},
			{Project: other.Key, Actor: "Ada", ActorID: "a", Target: "elsewhere"},
			{Project: w.project.Key, Actor: "Ada", ActorID: "a", Target: "sync"},
		} {
			e.Kind = monitor.ActorPerson
			e.At, e.Action, e.Source = w.at(time.Duration(n/2)*time.Minute), "x.y", "192.0.2.1"
			w.update(func(tx *store.Tx) error { return tx.AddAuditEntry(e) })
		}
		page := func(text string, before store.Cursor, limit int) (targets []string, last store.Cursor) {
			lines := view(w, func(tx *store.Tx) ([]store.AuditLine, error) {
				return tx.AuditLog(store.AuditQuery{Project: w.project.Key, Text: text, Before: before, Limit: limit})
			})
			for _, l := range lines {
				if l.Source != "192.0.2.1" {
					w.Errorf("source %q", l.Source)
				}
				targets, last = append(targets, l.Target), l.Cursor
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
			w.Errorf("all pages: %v; want %v", walked, all)
		}
		for text, want := range map[string]int{"ADA": 2, "back": 1, "%": 1, "_": 0, "elsewhere": 0} {
			if got, _ := page(text, store.Cursor{}, 10); len(got) != want {
				w.Errorf("%q finds %v; want %d", text, got, want)
			}
		}
	})
}

func TestAddAuditEntry_IdentifiesTheActorWhateverTheirName(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		for _, e := range []monitor.AuditEntry{
			{Actor: "Ada"}, {Actor: "Ada", Kind: monitor.ActorPerson}, {Actor: "Ada", ActorID: "a"}, {Kind: monitor.ActorAPIKey},
		} {
			e.Project, e.At, e.Action = w.project.Key, w.start, "x.y"
			if err := w.db.Update(w.Context(), func(tx *store.Tx) error { return tx.AddAuditEntry(e) }); err == nil {
				w.Errorf("an entry without an actor was stored: %+v", e)
			}
		}
		ada := monitor.AuditEntry{Project: w.project.Key, At: w.start, Actor: "Ada", Kind: monitor.ActorPerson, ActorID: "a", Action: "x.y"}
		faked := ada
		faked.Actor, faked.At = "API key deploy", w.at(time.Minute)
		key := monitor.AuditEntry{Project: w.project.Key, At: w.at(2 * time.Minute), Actor: "API key deploy", Kind: monitor.ActorAPIKey, ActorID: "k", Action: "x.y"}
		for _, e := range []monitor.AuditEntry{ada, faked, key} {
			w.update(func(tx *store.Tx) error { return tx.AddAuditEntry(e) })
		}
		lines := view(w, func(tx *store.Tx) ([]store.AuditLine, error) {
			return tx.AuditLog(store.AuditQuery{Project: w.project.Key, ActorID: "a", Limit: 10})
		})
		if len(lines) != 2 || lines[0].AuditEntry != faked || lines[1].AuditEntry != ada {
			w.Errorf("entries of one person with two names: %+v; want %+v", lines, []monitor.AuditEntry{faked, ada})
		}
	})
}

func TestAddAuditEntry_IsRolledBackWithItsChange(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		note := func(tx *store.Tx) error {
			return tx.AddAuditEntry(monitor.AuditEntry{Project: w.project.Key, At: w.start, Actor: "Ann", Kind: monitor.ActorCommandLine, Action: "heartbeat.create", Target: "backup", Detail: `"%"`})
		}
		w.rollBack(note)
		w.update(note)
		if n := w.queryNumber(`SELECT COUNT(*) FROM audit WHERE actor = 'Ann' AND action = 'heartbeat.create' AND target = 'backup' AND detail = '"%"'`); n != "1" {
			w.Errorf("%s entries; want the one that was committed", n)
		}
	})
}
