package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"overdue/internal/monitor"
	"overdue/internal/seal"
	"overdue/internal/store"
)

// newKey returns a new key.
func newKey(t *testing.T) *seal.Key {
	t.Helper()
	k, err := seal.ParseKey(seal.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// plainSecret is in every secret of these tests.
const plainSecret = "geheim-4711"

// addSecretChannel adds a channel and a secret of the server, and returns the channel.
func (w *fixture) addSecretChannel() monitor.Channel {
	w.Helper()
	c := w.newChannel("ops")
	c.Settings = map[string]any{"url": "https://example.com/" + plainSecret}
	c = w.addChannel(c)
	if got := w.ensureSecret(w.db, "links"); got != plainSecret {
		w.Fatalf("secret %q", got)
	}
	return c
}

// ensureSecret returns a secret of the server.
func (w *fixture) ensureSecret(db *store.DB, name string) (value string) {
	w.Helper()
	err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
		value, err = tx.EnsureSecret(name, plainSecret)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return value
}

// useSecretKey loads a key.
func (w *fixture) useSecretKey(db *store.DB, key *seal.Key) (sealed int) {
	w.Helper()
	sealed, err := db.UseSecretKey(context.Background(), key)
	if err != nil {
		w.Fatal(err)
	}
	return sealed
}

// storedSettings returns all secrets as they are stored.
func (w *fixture) storedSettings() string {
	w.Helper()
	var all []string
	for _, query := range []string{`SELECT settings FROM channels`, `SELECT value FROM secrets`} {
		value, err := store.QueryReader(w.db, query)
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, value)
	}
	return strings.Join(all, "\n")
}

// readChannel reads a channel from a store with or without the key.
func readChannel(db *store.DB, c monitor.Channel) (monitor.Channel, error) {
	var got monitor.Channel
	err := db.View(context.Background(), func(tx *store.Tx) (err error) {
		got, err = tx.Channel(c.Project, c.ID)
		return err
	})
	return got, err
}

func TestUseSecretKey_SealsPlainTextOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c, key := w.addSecretChannel(), newKey(t)
		if !strings.Contains(w.storedSettings(), plainSecret) {
			t.Fatal("the secrets are not stored where the test looks")
		}
		if n := w.useSecretKey(w.db, key); n != 2 {
			t.Errorf("sealed %d values", n)
		}
		if raw := w.storedSettings(); strings.Contains(raw, plainSecret) || strings.Count(raw, "sealed:") != 2 {
			t.Errorf("stored: %s", raw)
		}
		if diff := cmp.Diff(c, w.reloadChannel(c)); diff != "" || w.ensureSecret(w.db, "links") != plainSecret {
			t.Errorf("opened (-saved +loaded):\n%s", diff)
		}
		again := w.open()
		if n := w.useSecretKey(again, key); n != 0 {
			t.Errorf("sealed %d values again", n)
		}
		c.Settings = map[string]any{"url": "https://example.org/" + plainSecret}
		w.update(func(tx *store.Tx) error { return tx.SaveChannel(c) })
		other := w.addSecretChannel()
		if got, err := readChannel(again, other); err != nil || !cmp.Equal(got, other) || strings.Contains(w.storedSettings(), plainSecret) {
			t.Errorf("a secret that was stored with the key: %v %v", got, err)
		}
	})
}

func TestUseSecretKey_RejectsAnotherKey(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c, key, wrong := w.addSecretChannel(), newKey(t), newKey(t)
		w.useSecretKey(w.db, key)
		before := w.storedSettings()
		_, err := w.open().UseSecretKey(context.Background(), wrong)
		if err == nil || !strings.Contains(err.Error(), key.ID()) || !strings.Contains(err.Error(), wrong.ID()) {
			t.Errorf("another key: %v", err)
		}
		if w.storedSettings() != before {
			t.Error("a wrong key changed stored values")
		}
		id, sealed, err := w.open().SecretKeyID(context.Background())
		if err != nil || !sealed || id != key.ID() {
			t.Errorf("key id %q %v", id, err)
		}
		keyless := w.open()
		if _, err := readChannel(keyless, c); !errors.Is(err, store.ErrKeyNotLoaded) {
			t.Errorf("reading without the key: %v", err)
		}
		err = keyless.Update(context.Background(), func(tx *store.Tx) error { return tx.SaveChannel(c) })
		if !errors.Is(err, store.ErrKeyNotLoaded) || w.storedSettings() != before {
			t.Errorf("writing without the key: %v", err)
		}
	})
}

// Without the key, pings are stored and incidents open.
func TestChannelRoutes_NeedsNoSecretKey(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c := w.addSecretChannel()
		w.useSecretKey(w.db, newKey(t))
		keyless := w.open()
		var routes []monitor.Channel
		err := keyless.View(context.Background(), func(tx *store.Tx) (err error) {
			routes, err = tx.ChannelRoutes(c.Project)
			return err
		})
		c.Settings = nil
		if diff := cmp.Diff([]monitor.Channel{c}, routes); diff != "" || err != nil {
			t.Errorf("routes %v:\n%s", err, diff)
		}
	})
}

func TestChangeSecretKey_AServerWithTheOldKeyReadsAndStoresNoSecret(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		c, old, next := w.addSecretChannel(), newKey(t), newKey(t)
		w.useSecretKey(w.db, old)
		changer := w.open()
		changed, discarded, err := changer.ChangeSecretKey(context.Background(), old, next, false)
		if changed != 2 || discarded != 0 || err != nil {
			t.Fatal(changed, discarded, err)
		}
		if _, err := readChannel(w.db, c); err == nil || !strings.Contains(err.Error(), next.ID()) {
			t.Errorf("reading with the old key: %v", err)
		}
		raw := w.storedSettings()
		err = w.db.Update(context.Background(), func(tx *store.Tx) error { return tx.SaveChannel(c) })
		if err == nil || !strings.Contains(err.Error(), "restart with the new key") || w.storedSettings() != raw {
			t.Errorf("writing with the old key: %v", err)
		}
		started := w.open()
		w.useSecretKey(started, next)
		if got, err := readChannel(started, c); err != nil || !cmp.Equal(got, c) || w.ensureSecret(started, "links") != plainSecret {
			t.Errorf("with the new key: %v %v", got, err)
		}
	})
}

func TestChangeSecretKey_ChangesAllOrNothing(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		first, second, old, next := w.addSecretChannel(), w.addSecretChannel(), newKey(t), newKey(t)
		w.useSecretKey(w.db, old)
		// A sealed value does not open in another row.
		if _, err := store.QueryWriter(w.db, `UPDATE channels SET settings = (SELECT settings FROM channels WHERE id = $1) WHERE id = $2`, first.ID, second.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := readChannel(w.db, second); err == nil || !strings.Contains(err.Error(), "copied from another name") {
			t.Errorf("a value of another channel: %v", err)
		}
		if err := w.db.CheckSealed(context.Background(), old); err == nil || !strings.Contains(err.Error(), second.ID) {
			t.Errorf("check: %v", err)
		}
		if _, _, err := w.open().ChangeSecretKey(context.Background(), old, next, false); err == nil {
			t.Error("an invalid value was sealed again")
		}
		if got, err := readChannel(w.db, first); err != nil || !cmp.Equal(got, first) {
			t.Errorf("after a failed change: %v %v", got, err)
		}
		changer := w.open()
		changed, discarded, err := changer.ChangeSecretKey(context.Background(), old, next, true)
		if changed != 2 || discarded != 1 || err != nil {
			t.Errorf("changed %d, discarded %d: %v", changed, discarded, err)
		}
		if got, err := readChannel(changer, second); err != nil || len(got.Settings) != 0 {
			t.Errorf("a discarded channel: %v %v", got, err)
		}
		// A second run after an interruption discards nothing that is already sealed.
		if _, discarded, err := changer.ChangeSecretKey(context.Background(), nil, next, true); discarded != 0 || err != nil {
			t.Errorf("again: discarded %d: %v", discarded, err)
		}
	})
}

func TestClaimWithoutServer_RejectsADatabaseInUse(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		now := time.Now().UTC()
		if err := w.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.db.SetNode("node")
		w.update(func(tx *store.Tx) error { return tx.PublishWatermark(now, store.Watermark{All: now, Default: now}) })
		if err := w.open().ClaimWithoutServer(context.Background(), now); err == nil {
			t.Error("a database that a server uses was claimed")
		}
		if store.OnSQLite(w.db) {
			return
		}
		if err := w.open().ClaimWithoutServer(context.Background(), now.Add(time.Minute)); err != nil {
			t.Errorf("a minute after the last watermark: %v", err)
		}
	})
}

func TestUseSecretKey_LeavesNoPlainTextInTheFiles(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
		if err != nil {
			return err
		}
		for range 20 {
			_, err = tx.AddChannel(monitor.Channel{Project: p.Key, Kind: "webhook", Name: "x", Settings: map[string]any{"url": plainSecret}, Created: time.Now()})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !filesHold(t, dir, plainSecret) {
		t.Fatal("the files do not contain the secret before the test")
	}
	if n, err := db.UseSecretKey(t.Context(), newKey(t)); n != 20 || err != nil {
		t.Fatal(n, err)
	}
	if filesHold(t, dir, plainSecret) {
		t.Error("a file still contains a secret in plain text")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if filesHold(t, dir, plainSecret) {
		t.Error("a closed file contains a secret in plain text")
	}
}

// filesHold reports whether a file of a directory contains a text.
func filesHold(t *testing.T, dir, text string) bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(content), text) {
			return true
		}
	}
	return false
}

func TestUseSecretKey_OneOfTwoConcurrentKeysWins(t *testing.T) {
	onEachDatabaseInRealTime(t, func(w *fixture) {
		c := w.addSecretChannel()
		nodes := []*store.DB{w.open(), w.open()}
		errs := make([]error, len(nodes))
		var both sync.WaitGroup
		for n, db := range nodes {
			key := newKey(t)
			both.Go(func() { _, errs[n] = db.UseSecretKey(context.Background(), key) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("errors: %v", errs)
		}
		for n, db := range nodes {
			if got, err := readChannel(db, c); (err == nil) != (errs[n] == nil) || err == nil && !cmp.Equal(got, c) {
				t.Errorf("node %d: %v %v", n, got, err)
			}
		}
	})
}

func TestEnsureSecret_CreatesASecretOnce(t *testing.T) {
	onEachDatabase(t, func(w *fixture) {
		secret := func(fresh string) string {
			return updateValue(w, func(tx *store.Tx) (string, error) { return tx.EnsureSecret("a", fresh) })
		}
		if first, second := secret("one"), secret("two"); first != "one" || second != "one" {
			w.Error(first, second)
		}
	})
}
