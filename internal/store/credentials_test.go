package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/store"
)

// addSession adds a session of a person that ends after a while.
func (w *fixture) addSession(who monitor.Person, id string, ends time.Duration) monitor.Session {
	w.Helper()
	s := monitor.Session{ID: id, Person: who.ID, Created: w.start, LastSeen: w.start, ExpiresAt: w.at(ends), LastAddress: "192.0.2.1", UserAgent: "curl \x00\xff"}
	w.update(func(tx *store.Tx) error { return tx.AddSession(s, "hash of "+id, "content of "+id) })
	s.UserAgent = "curl \uFFFD\uFFFD"
	return s
}

// sessionIDs returns the ids of a person's sessions at a time.
func (w *fixture) sessionIDs(who monitor.Person, d time.Duration) (ids []string) {
	w.Helper()
	for _, s := range view(w, func(tx *store.Tx) ([]monitor.Session, error) { return tx.Sessions(who.ID, w.at(d)) }) {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestSession_IsFoundUntilItEnds(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		s := w.addSession(w.addPerson("ada"), "one", time.Hour)
		for d, there := range map[time.Duration]bool{0: true, time.Hour - time.Microsecond: true, time.Hour: false} {
			content := lookUp(w, func(tx *store.Tx) (string, bool, error) { return tx.SessionContent("hash of one", w.at(d)) })
			whole := lookUp(w, func(tx *store.Tx) (monitor.Session, bool, error) { return tx.Session("one", w.at(d)) })
			if content.Found != there || whole.Found != there {
				w.Errorf("after %s: found %t and %t; want %t", d, content.Found, whole.Found, there)
			}
			if there && (content.Value != "content of one" || cmp.Diff(s, whole.Value) != "") {
				w.Errorf("content %q, session %s", content.Value, cmp.Diff(s, whole.Value))
			}
		}
	})
}

func TestAddSession_UpdatesWhenThePersonWasSeen(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada, bob := w.addPerson("ada"), w.addPerson("bob")
		w.addSession(ada, "one", time.Hour)
		for who, want := range map[monitor.Person]time.Time{ada: w.start, bob: {}} {
			if got := lookUp(w, func(tx *store.Tx) (monitor.Person, bool, error) { return tx.Person(who.ID) }).Value.LastSeen; !got.Equal(want) {
				w.Errorf("%s was seen %s; want %s", who.Name, got, want)
			}
		}
	})
}

func TestSaveSessionContent_DoesNotReviveAnEndedSession(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada := w.addPerson("ada")
		s := w.addSession(ada, "one", time.Hour)
		w.update(func(tx *store.Tx) error { return tx.SaveSessionContent("hash of one", "changed") })
		if got := lookUp(w, func(tx *store.Tx) (string, bool, error) { return tx.SessionContent("hash of one", w.start) }); got.Value != "changed" {
			w.Errorf("content %q", got.Value)
		}
		w.update(func(tx *store.Tx) error { return tx.EndSession("hash of one") })
		// An earlier request still writes.
		w.update(func(tx *store.Tx) error {
			return errors.Join(tx.SaveSessionContent("hash of one", "again"), tx.RecordSessionUse(s))
		})
		if got := w.sessionIDs(ada, 0); len(got) != 0 {
			w.Errorf("sessions %v; want none", got)
		}
	})
}

func TestRecordSessionUse_UpdatesTheSessionAndThePerson(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada := w.addPerson("ada")
		s := w.addSession(ada, "one", time.Hour)
		s.LastSeen, s.ExpiresAt, s.LastAddress = w.at(time.Minute), w.at(2*time.Hour), "192.0.2.9"
		w.update(func(tx *store.Tx) error { return tx.RecordSessionUse(s) })
		got := lookUp(w, func(tx *store.Tx) (monitor.Session, bool, error) { return tx.Session("one", w.at(time.Hour)) })
		if diff := cmp.Diff(s, got.Value); diff != "" {
			w.Error(diff)
		}
		if p := lookUp(w, func(tx *store.Tx) (monitor.Person, bool, error) { return tx.Person(ada.ID) }); !p.Value.LastSeen.Equal(w.at(time.Minute)) {
			w.Errorf("the person was seen %s", p.Value.LastSeen)
		}
	})
}

func TestEndSession_EndsOneOrAllOtherSessions(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada, bob := w.addPerson("ada"), w.addPerson("bob")
		for _, id := range []string{"a1", "a2", "a3", "a4"} {
			w.addSession(ada, id, time.Hour)
		}
		w.addSession(bob, "b1", time.Hour)
		w.update(func(tx *store.Tx) error {
			return errors.Join(tx.EndPersonSession(ada.ID, "a1"), tx.EndPersonSession(ada.ID, "b1"))
		})
		if got := w.sessionIDs(ada, 0); !slices.Equal(got, []string{"a2", "a3", "a4"}) {
			w.Errorf("ada has %v", got)
		}
		w.update(func(tx *store.Tx) error { return tx.EndOtherSessions(ada.ID, "a3") })
		if a, b := w.sessionIDs(ada, 0), w.sessionIDs(bob, 0); !slices.Equal(a, []string{"a3"}) || !slices.Equal(b, []string{"b1"}) {
			w.Errorf("ada has %v, bob %v", a, b)
		}
	})
}

func TestAddSession_DeletesEndedSessions(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada := w.addPerson("ada")
		w.addSession(ada, "old", time.Minute)
		s := monitor.Session{ID: "new", Person: ada.ID, Created: w.at(time.Minute), LastSeen: w.at(time.Minute), ExpiresAt: w.at(time.Hour)}
		w.update(func(tx *store.Tx) error { return tx.AddSession(s, "hash of new", "{}") })
		if n := w.queryNumber("SELECT COUNT(*) FROM sessions"); n != "1" {
			w.Errorf("%s rows; want 1", n)
		}
	})
}

func TestSessionRole_IsTheCurrentRoleUntilTheSessionEnds(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		ada := w.addPerson("ada")
		w.addSession(ada, "one", time.Hour)
		role := func(d time.Duration) monitor.Role {
			w.Helper()
			role, found := monitor.Role(0), false
			err := w.db.View(w.Context(), func(tx *store.Tx) (err error) {
				role, found, err = tx.SessionRole("one", w.project.Key, w.at(d))
				return err
			})
			if err != nil || found != (d < time.Hour) {
				w.Errorf("after %s: found %t, %v", d, found, err)
			}
			return role
		}
		set := func(r monitor.Role) {
			w.Helper()
			w.update(func(tx *store.Tx) error { return tx.SetMember(w.project.Key, ada.ID, r, w.start) })
		}
		for _, want := range []monitor.Role{monitor.Owner, monitor.Viewer} {
			if set(want); role(0) != want || role(time.Hour) != 0 {
				w.Errorf("role %s, and %s after the end; want %s and none", role(0), role(time.Hour), want)
			}
		}
		w.update(func(tx *store.Tx) error { return tx.RemoveMember(w.project.Key, ada.ID) })
		if got := role(0); got != 0 {
			w.Errorf("role %s after the removal", got)
		}
		set(monitor.Member)
		w.update(func(tx *store.Tx) error { return tx.DeleteProject(w.project, w.start) })
		if got := role(0); got != 0 {
			w.Errorf("role %s in a project that was deleted", got)
		}
		w.update(func(tx *store.Tx) error { return tx.EndSession("hash of one") })
		if got := role(time.Hour); got != 0 {
			w.Errorf("role %s after the session was ended", got)
		}
	})
}

func TestAPIKeyByHash_FindsAKeyUntilItIsRevoked(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		want := updateValue(w, func(tx *store.Tx) (monitor.APIKey, error) {
			return tx.AddAPIKey(monitor.APIKey{Project: w.project.Key, Name: "deploy", ReadOnly: true, Created: w.start}, "hash")
		})
		find := func(hash string) (k monitor.APIKey, found bool) {
			w.update(func(tx *store.Tx) (err error) { k, found, err = tx.APIKeyByHash(hash); return err })
			return k, found
		}
		if _, found := find("other"); found {
			w.Error("an unknown hash matches a key")
		}
		want.LastUsed = w.at(time.Hour)
		w.update(func(tx *store.Tx) error { return tx.RecordAPIKeyUse(want.ID, w.at(time.Hour)) })
		if got, found := find("hash"); !found || got != want {
			w.Errorf("found %t %+v; want %+v", found, got, want)
		}
		if _, err := store.QueryWriter(w.db, "UPDATE api_keys SET revoked = 1"); err != nil {
			w.Fatal(err)
		}
		if _, found := find("hash"); found {
			w.Error("a revoked key still matches")
		}
	})
}

func TestAPIKeys_ListsKeysUntilTheyAreRevoked(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		other := w.addProject("other")
		key := updateValue(w, func(tx *store.Tx) (monitor.APIKey, error) {
			return tx.AddAPIKey(monitor.APIKey{Project: w.project.Key, Name: "deploy", Prefix: "ovd_ABCD", CreatedBy: "Ada", Created: w.start}, "hash")
		})
		list := func() []monitor.APIKey {
			return view(w, func(tx *store.Tx) ([]monitor.APIKey, error) { return tx.APIKeys(w.project.Key) })
		}
		if got := list(); len(got) != 1 || got[0] != key {
			w.Errorf("%+v; want %+v", got, key)
		}
		for _, step := range []struct {
			project int64
			want    bool
		}{{other.Key, false}, {w.project.Key, true}, {w.project.Key, false}} {
			if done := updateValue(w, func(tx *store.Tx) (bool, error) { return tx.RevokeAPIKey(step.project, key.ID, w.start) }); done != step.want {
				w.Errorf("revoked by project %d: %t; want %t", step.project, done, step.want)
			}
		}
		if len(list()) != 0 || lookUp(w, func(tx *store.Tx) (monitor.APIKey, bool, error) { return tx.APIKeyByHash("hash") }).Found {
			w.Error("a revoked key is still listed")
		}
	})
}
