package auth_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/internal/auth"
	"overdue/internal/monitor"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

func TestNewKey_IsRandomAndLooksLikeAKey(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		key := auth.NewKey()
		if seen[key] || !auth.LooksLikeKey(key) || !strings.HasPrefix(key, "ovd_") || len(key) < 36 {
			t.Fatalf("bad key %q", key)
		}
		seen[key] = true
	}
	for _, text := range []string{"", "ovd_", "ovd_x", auth.NewKey()[4:], auth.NewKey() + "A", " " + auth.NewKey()} {
		if auth.LooksLikeKey(text) {
			t.Errorf("%q looks like a key", text)
		}
	}
	// The test vector of FIPS 180-2. Another hash would invalidate stored keys.
	if got := auth.HashKey("abc"); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error(got)
	}
}

// addProjectWithKey creates a project with one key, and returns the secret of the key.
func addProjectWithKey(t *testing.T, db *store.DB, readOnly bool) (secret string) {
	t.Helper()
	secret = auth.NewKey()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.AddProject(monitor.Project{Slug: secret, Name: "Main", Zone: "UTC", Created: time.Now()})
		if err != nil {
			return err
		}
		_, err = tx.AddAPIKey(monitor.APIKey{Project: p.Key, Name: "deploy", ReadOnly: readOnly, Created: time.Now()}, auth.HashKey(secret))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// lastUsed returns the stored time of the last use of a key.
func lastUsed(t *testing.T, db *store.DB, secret string) time.Time {
	t.Helper()
	var key monitor.APIKey
	err := db.View(t.Context(), func(tx *store.Tx) (err error) {
		key, _, err = tx.APIKeyByHash(auth.HashKey(secret))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return key.LastUsed
}

func TestActor_AKeyActsForItsProject(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		keys := auth.NewKeys(db)
		for readOnly, role := range map[bool]auth.Role{true: auth.Viewer, false: auth.Member} {
			secret := addProjectWithKey(t, db, readOnly)
			a, known, err := keys.Actor(t.Context(), secret, "192.0.2.1", time.Now())
			if err != nil || !known || a.Name != "API key deploy" || a.Role != role || a.Project.Slug != secret {
				t.Errorf("%+v, %t, %v", a, known, err)
			}
		}
		for _, secret := range []string{"", "ovd_", auth.NewKey(), "x"} {
			if a, known, err := keys.Actor(t.Context(), secret, "192.0.2.1", time.Now()); known || err != nil || a.May(auth.Read) {
				t.Errorf("%q: %+v, %t, %v", secret, a, known, err)
			}
		}
	})
}

func TestActor_TheLastUseIsRecordedOnceAMinute(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		keys, began := auth.NewKeys(db), time.Now().UTC()
		secret := addProjectWithKey(t, db, false)
		if !lastUsed(t, db, secret).IsZero() {
			t.Error("used before its first use")
		}
		for _, c := range []struct{ at, want time.Duration }{
			{0, 0}, {time.Second, 0}, {59 * time.Second, 0}, {time.Minute, time.Minute}, {90 * time.Second, time.Minute}, {time.Hour, time.Hour},
		} {
			if _, known, err := keys.Actor(t.Context(), secret, "192.0.2.1", began.Add(c.at)); !known || err != nil {
				t.Fatal(known, err)
			}
			if got := lastUsed(t, db, secret).Sub(began); got != c.want {
				t.Errorf("after %v: last used %v, want %v", c.at, got, c.want)
			}
		}
		// Another node has recorded no use, but reads the use that this node stored.
		if _, _, err := auth.NewKeys(db).Actor(t.Context(), secret, "192.0.2.1", began.Add(time.Hour+time.Second)); err != nil {
			t.Fatal(err)
		}
		if got := lastUsed(t, db, secret).Sub(began); got != time.Hour {
			t.Errorf("last used %v", got)
		}
	})
}

func TestActor_AKeyWorksEvenIfItsUseCannotBeRecorded(t *testing.T) {
	storetest.EachDatabase(t, func(t *testing.T, open func() *store.DB) {
		db := open()
		secret := addProjectWithKey(t, db, true)
		keys := auth.NewKeys(db)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 4 { // concurrent requests
			wg.Go(func() {
				if _, known, err := keys.Actor(ctx, secret, "192.0.2.1", time.Now()); !known || err != nil {
					t.Error(known, err)
				}
			})
		}
		wg.Wait()
		cancel()
		if _, _, err := keys.Actor(ctx, secret, "192.0.2.1", time.Now()); err == nil {
			t.Error("a database that does not answer is no error")
		}
	})
}
