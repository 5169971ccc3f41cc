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

// newKey makes a key.
func newKey(t *testing.T) *seal.Key {
	t.Helper()
	k, err := seal.Parse(seal.New())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// geheim is in every secret of these tests.
const geheim = "geheim-4711"

// secretive adds a channel and a secret of the server, and returns the channel.
func (w *world) secretive() monitor.Channel {
	w.Helper()
	c := w.newChannel("ops")
	c.Settings = map[string]any{"url": "https://example.com/" + geheim}
	c = w.channel(c)
	if got := w.secret(w.db, "links"); got != geheim {
		w.Fatalf("secret %q", got)
	}
	return c
}

// secret reads or makes a secret of the server.
func (w *world) secret(db *store.DB, name string) (value string) {
	w.Helper()
	err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
		value, err = tx.Secret(name, geheim)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return value
}

// useKey loads a key.
func (w *world) useKey(db *store.DB, key *seal.Key) (sealed int) {
	w.Helper()
	sealed, err := db.UseKey(context.Background(), key)
	if err != nil {
		w.Fatal(err)
	}
	return sealed
}

// raw are all secrets as they are stored.
func (w *world) raw() string {
	w.Helper()
	var all []string
	for _, query := range []string{`SELECT settings FROM channels`, `SELECT value FROM secrets`} {
		value, err := store.Looked(w.db, query)
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, value)
	}
	return strings.Join(all, "\n")
}

// readsChannel reads a channel with a store that may lack the key.
func readsChannel(db *store.DB, c monitor.Channel) (monitor.Channel, error) {
	var got monitor.Channel
	err := db.View(context.Background(), func(tx *store.Tx) (err error) {
		got, err = tx.Channel(c.Project, c.ID)
		return err
	})
	return got, err
}

func TestUseKey_SealsWhatWasStoredInPlainTextOnce(t *testing.T) {
	onEach(t, func(w *world) {
		c, key := w.secretive(), newKey(t)
		if !strings.Contains(w.raw(), geheim) {
			t.Fatal("the secrets are not stored where the test looks")
		}
		if n := w.useKey(w.db, key); n != 2 {
			t.Errorf("sealed %d values", n)
		}
		if raw := w.raw(); strings.Contains(raw, geheim) || strings.Count(raw, "sealed:") != 2 {
			t.Errorf("stored: %s", raw)
		}
		if diff := cmp.Diff(c, w.channelNow(c)); diff != "" || w.secret(w.db, "links") != geheim {
			t.Errorf("opened (-saved +loaded):\n%s", diff)
		}
		again := w.open()
		if n := w.useKey(again, key); n != 0 {
			t.Errorf("sealed %d values again", n)
		}
		c.Settings = map[string]any{"url": "https://example.org/" + geheim}
		w.update(func(tx *store.Tx) error { return tx.SaveChannel(c) })
		other := w.secretive()
		if got, err := readsChannel(again, other); err != nil || !cmp.Equal(got, other) || strings.Contains(w.raw(), geheim) {
			t.Errorf("what was stored with the key: %v %v", got, err)
		}
	})
}

func TestUseKey_AnotherKeyIsAnErrorAndChangesNothing(t *testing.T) {
	onEach(t, func(w *world) {
		c, key, wrong := w.secretive(), newKey(t), newKey(t)
		w.useKey(w.db, key)
		before := w.raw()
		_, err := w.open().UseKey(context.Background(), wrong)
		if err == nil || !strings.Contains(err.Error(), key.ID()) || !strings.Contains(err.Error(), wrong.ID()) {
			t.Errorf("another key: %v", err)
		}
		if w.raw() != before {
			t.Error("a wrong key changed what is stored")
		}
		id, sealed, err := w.open().KeyID(context.Background())
		if err != nil || !sealed || id != key.ID() {
			t.Errorf("key id %q %v", id, err)
		}
		keyless := w.open()
		if _, err := readsChannel(keyless, c); !errors.Is(err, store.ErrKeyNotLoaded) {
			t.Errorf("reading without the key: %v", err)
		}
		err = keyless.Update(context.Background(), func(tx *store.Tx) error { return tx.SaveChannel(c) })
		if !errors.Is(err, store.ErrKeyNotLoaded) || w.raw() != before {
			t.Errorf("writing without the key: %v", err)
		}
	})
}

// A ping must be stored and an incident opened whatever becomes of the key.
func TestChannelRoutes_NeedsNoKey(t *testing.T) {
	onEach(t, func(w *world) {
		c := w.secretive()
		w.useKey(w.db, newKey(t))
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

func TestChangeKey_AServerWithTheOldKeyReadsAndStoresNothing(t *testing.T) {
	onEach(t, func(w *world) {
		c, old, next := w.secretive(), newKey(t), newKey(t)
		w.useKey(w.db, old)
		changer := w.open()
		changed, discarded, err := changer.ChangeKey(context.Background(), old, next, false)
		if changed != 2 || discarded != 0 || err != nil {
			t.Fatal(changed, discarded, err)
		}
		if _, err := readsChannel(w.db, c); err == nil || !strings.Contains(err.Error(), next.ID()) {
			t.Errorf("reading with the old key: %v", err)
		}
		raw := w.raw()
		err = w.db.Update(context.Background(), func(tx *store.Tx) error { return tx.SaveChannel(c) })
		if err == nil || !strings.Contains(err.Error(), "restart with the new key") || w.raw() != raw {
			t.Errorf("writing with the old key: %v", err)
		}
		started := w.open()
		w.useKey(started, next)
		if got, err := readsChannel(started, c); err != nil || !cmp.Equal(got, c) || w.secret(started, "links") != geheim {
			t.Errorf("with the new key: %v %v", got, err)
		}
	})
}

func TestChangeKey_ChangesAllOrNothing(t *testing.T) {
	onEach(t, func(w *world) {
		first, second, old, next := w.secretive(), w.secretive(), newKey(t), newKey(t)
		w.useKey(w.db, old)
		// Moved to another row, a sealed value does not open.
		if _, err := store.Written(w.db, `UPDATE channels SET settings = (SELECT settings FROM channels WHERE id = $1) WHERE id = $2`, first.ID, second.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := readsChannel(w.db, second); err == nil || !strings.Contains(err.Error(), "moved here from elsewhere") {
			t.Errorf("a value of another channel: %v", err)
		}
		if err := w.db.CheckSealed(context.Background(), old); err == nil || !strings.Contains(err.Error(), second.ID) {
			t.Errorf("check: %v", err)
		}
		if _, _, err := w.open().ChangeKey(context.Background(), old, next, false); err == nil {
			t.Error("a value that does not open was sealed again")
		}
		if got, err := readsChannel(w.db, first); err != nil || !cmp.Equal(got, first) {
			t.Errorf("after a change that failed: %v %v", got, err)
		}
		changer := w.open()
		changed, discarded, err := changer.ChangeKey(context.Background(), old, next, true)
		if changed != 2 || discarded != 1 || err != nil {
			t.Errorf("changed %d, discarded %d: %v", changed, discarded, err)
		}
		if got, err := readsChannel(changer, second); err != nil || len(got.Settings) != 0 {
			t.Errorf("a discarded channel: %v %v", got, err)
		}
		// Run again after it was interrupted, it discards nothing that is sealed already.
		if _, discarded, err := changer.ChangeKey(context.Background(), nil, next, true); discarded != 0 || err != nil {
			t.Errorf("again: discarded %d: %v", discarded, err)
		}
	})
}

func TestClaimUnserved_RejectsADatabaseThatIsServed(t *testing.T) {
	onEach(t, func(w *world) {
		now := time.Now().UTC()
		if err := w.db.Serve(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.db.Join("node")
		w.update(func(tx *store.Tx) error { return tx.Alive(now, store.Horizon{All: now, Rest: now}) })
		if err := w.open().ClaimUnserved(context.Background(), now); err == nil {
			t.Error("a database that a server uses was claimed")
		}
		if store.OnSQLite(w.db) {
			return
		}
		if err := w.open().ClaimUnserved(context.Background(), now.Add(time.Minute)); err != nil {
			t.Errorf("a minute after the last sign of life: %v", err)
		}
	})
}

func TestUseKey_LeavesNoPlainTextInTheFiles(t *testing.T) {
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
			_, err = tx.AddChannel(monitor.Channel{Project: p.Key, Kind: "webhook", Name: "x", Settings: map[string]any{"url": geheim}, Created: time.Now()})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !filesHold(t, dir, geheim) {
		t.Fatal("the files do not hold the secret to begin with")
	}
	if n, err := db.UseKey(t.Context(), newKey(t)); n != 20 || err != nil {
		t.Fatal(n, err)
	}
	if filesHold(t, dir, geheim) {
		t.Error("a file still holds a secret in plain text")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if filesHold(t, dir, geheim) {
		t.Error("a closed file holds a secret in plain text")
	}
}

// filesHold reports whether any file of a directory holds a text.
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

func TestUseKey_OfTwoServersThatStartAtOnceWithTwoKeysOneWins(t *testing.T) {
	onEachAwake(t, func(w *world) {
		c := w.secretive()
		nodes := []*store.DB{w.open(), w.open()}
		errs := make([]error, len(nodes))
		var both sync.WaitGroup
		for n, db := range nodes {
			key := newKey(t)
			both.Go(func() { _, errs[n] = db.UseKey(context.Background(), key) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("errors: %v", errs)
		}
		for n, db := range nodes {
			if got, err := readsChannel(db, c); (err == nil) != (errs[n] == nil) || err == nil && !cmp.Equal(got, c) {
				t.Errorf("node %d: %v %v", n, got, err)
			}
		}
	})
}
