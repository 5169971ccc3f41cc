package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"overdue/internal/monitor"
	"overdue/internal/seal"
	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// readSecretAtStart loads the key as a starting server does, and reads a secret.
func readSecretAtStart(t *testing.T, database string, k SecretKey) (string, error) {
	t.Helper()
	db, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := k.unlock(t.Context(), db, database, slog.New(slog.DiscardHandler)); err != nil {
		return "", err
	}
	var value string
	err = db.Update(t.Context(), func(tx *store.Tx) (err error) {
		value, err = tx.EnsureSecret("test", "geheim")
		return err
	})
	return value, err
}

// expectKeyWorks fails the test unless a start with the key reads the secret.
func expectKeyWorks(t *testing.T, what, database string, k SecretKey) {
	t.Helper()
	if value, err := readSecretAtStart(t, database, k); err != nil || value != "geheim" {
		t.Errorf("%s: %q %v", what, value, err)
	}
}

// expectKeyRejected fails the test unless a start with the key returns an error that contains the texts.
func expectKeyRejected(t *testing.T, what, database string, k SecretKey, texts ...string) {
	t.Helper()
	_, err := readSecretAtStart(t, database, k)
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v; want %q", what, err, text)
		}
	}
}

func TestUnlock_TheFirstStartCreatesAKeyThatOnlyItsOwnerCanRead(t *testing.T) {
	database := filepath.Join(t.TempDir(), "a.db")
	expectKeyWorks(t, "first start", database, SecretKey{})
	info, err := os.Stat(database + ".secret-key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	expectKeyWorks(t, "second start", database, SecretKey{})
	var log bytes.Buffer
	warnIfReadable(database+keySuffix, slog.New(slog.NewTextHandler(&log, nil)))
	if log.Len() > 0 {
		t.Errorf("warned: %s", &log)
	}
	if err := os.Chmod(database+keySuffix, 0o644); err != nil {
		t.Fatal(err)
	}
	warnIfReadable(database+keySuffix, slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "chmod 600") {
		t.Error("a key that others can read is not warned of")
	}
	expectKeyWorks(t, "named", database, SecretKey{File: database + ".secret-key"})
	if left, _ := filepath.Glob(database + "*draft*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	text, err := os.ReadFile(database + ".secret-key")
	if err != nil {
		t.Fatal(err)
	}
	expectKeyWorks(t, "from the environment", database, SecretKey{Text: string(text)})
}

func TestUnlock_AWrongOrMissingKeyIsAnErrorThatSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	database, other := filepath.Join(dir, "a.db"), filepath.Join(dir, "other")
	expectKeyRejected(t, "a file that is not there", database, SecretKey{File: other}, "there is no file "+other, "secret-key create")
	expectKeyWorks(t, "first start", database, SecretKey{})
	if _, err := CreateSecretKey(other); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateSecretKey(other); err == nil || err.Error() != other+" already exists; name a new file" {
		t.Error("an existing key was replaced")
	}
	expectKeyRejected(t, "another file", database, SecretKey{File: other}, "is encrypted with the key", other+" holds", "rotate --discard")
	expectKeyRejected(t, "another key", database, SecretKey{Text: seal.GenerateKey()}, "OVERDUE_SECRET_KEY holds")
	expectKeyRejected(t, "no key", database, SecretKey{Text: "hunter2"}, "OVERDUE_SECRET_KEY", "32 bytes in base64")
	if err := os.Rename(database+keySuffix, filepath.Join(dir, "aside")); err != nil {
		t.Fatal(err)
	}
	expectKeyRejected(t, "no file", database, SecretKey{}, "there is no key file "+database+".secret-key", "put the key file back")
	if _, err := os.Stat(database + keySuffix); err == nil {
		t.Error("a new key was made for a database that is sealed with another")
	}
	if err := os.WriteFile(database+keySuffix, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expectKeyRejected(t, "an empty file", database, SecretKey{}, database+keySuffix, "32 bytes")
}

func TestUnlock_PostgreSQLRequiresAKey(t *testing.T) {
	database := storetest.NewPostgresDatabase(t)
	expectKeyRejected(t, "no setting", database, SecretKey{}, "PostgreSQL requires a secret key", "--secret-key-file")
	key := SecretKey{Text: seal.GenerateKey()}
	expectKeyWorks(t, "the first node", database, key)
	expectKeyWorks(t, "the second node", database, key)
	expectKeyRejected(t, "a node with another key", database, SecretKey{Text: seal.GenerateKey()}, "is encrypted with the key")
	expectKeyRejected(t, "a node without", database, SecretKey{}, "PostgreSQL requires a secret key")
}

// rotate changes the key as the command does.
func rotate(t *testing.T, database string, c KeyRotation) string {
	t.Helper()
	var out bytes.Buffer
	if err := RotateSecretKey(t.Context(), database, c, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}

func TestRotateSecretKey_CanBeInterruptedAnywhereAndRunAgain(t *testing.T) {
	for what, stop := range map[string]func(t *testing.T, database string){
		"before anything":    func(*testing.T, string) {},
		"after the new file": func(t *testing.T, database string) { newFile(t, database) },
		"after the database": func(t *testing.T, database string) { newFile(t, database); resealed(t, database) },
		"after the old file was renamed": func(t *testing.T, database string) {
			newFile(t, database)
			resealed(t, database)
			renameOldKey(t, database)
		},
	} {
		t.Run(what, func(t *testing.T) {
			for then, next := range map[string]func(database string){
				"a start":            func(database string) { expectKeyWorks(t, "a start", database, SecretKey{}) },
				"the command":        func(database string) { rotate(t, database, KeyRotation{}) },
				"the command, twice": func(database string) { rotate(t, database, KeyRotation{}); rotate(t, database, KeyRotation{}) },
			} {
				database := filepath.Join(t.TempDir(), "a.db")
				expectKeyWorks(t, "first start", database, SecretKey{})
				first, err := readKey(database + keySuffix)
				if err != nil {
					t.Fatal(err)
				}
				stop(t, database)
				next(database)
				expectKeyWorks(t, then, database, SecretKey{})
				now, err := readKey(database + keySuffix)
				if err != nil || now == nil {
					t.Fatalf("%s: no key: %v", then, err)
				}
				old, err := readKey(database + keySuffix + "." + first.ID())
				if now.ID() != first.ID() && (err != nil || old == nil) {
					t.Errorf("%s: the old key is gone: %v", then, err)
				}
				if strings.HasPrefix(then, "the command") && now.ID() == first.ID() {
					t.Errorf("%s: the key is the old one", then)
				}
			}
		})
	}
}

// The steps of a change, up to which it was stopped.
func newFile(t *testing.T, database string) {
	t.Helper()
	if _, err := createKey(database + keySuffix + newKeySuffix); err != nil {
		t.Fatal(err)
	}
}

func resealed(t *testing.T, database string) {
	t.Helper()
	db, _, err := store.OpenExisting(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	from, next, err := SecretKey{}.candidates(database)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.ChangeSecretKey(t.Context(), from, next, false); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func renameOldKey(t *testing.T, database string) {
	t.Helper()
	old, err := readKey(database + keySuffix)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(database+keySuffix, database+keySuffix+"."+old.ID()); err != nil {
		t.Fatal(err)
	}
}

func TestRotateSecretKey_ToAGivenKeyWorksOnBothDatabases(t *testing.T) {
	for name, database := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			now, file := SecretKey{Text: seal.GenerateKey()}, filepath.Join(t.TempDir(), "new")
			expectKeyWorks(t, "first start", database, now)
			if err := RotateSecretKey(t.Context(), database, KeyRotation{Current: now}, io.Discard); err == nil || !strings.Contains(err.Error(), "--new-secret-key-file") {
				t.Errorf("without a new key: %v", err)
			}
			if _, err := CreateSecretKey(file); err != nil {
				t.Fatal(err)
			}
			if err := RotateSecretKey(t.Context(), database, KeyRotation{Current: SecretKey{Text: seal.GenerateKey()}, NewFile: file}, io.Discard); err == nil {
				t.Error("a wrong old key changed the key")
			}
			rotate(t, database, KeyRotation{Current: now, NewFile: file})
			if out := rotate(t, database, KeyRotation{Current: now, NewFile: file}); !strings.Contains(out, "already") {
				t.Errorf("again: %s", out)
			}
			expectKeyWorks(t, "the new key", database, SecretKey{File: file})
			expectKeyRejected(t, "the old key", database, now, "is encrypted with the key")
		})
	}
}

func TestRotateSecretKey_IsRejectedWhileAServerRuns(t *testing.T) {
	t.Parallel()
	for name, database := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			now := SecretKey{Text: seal.GenerateKey()}
			expectKeyWorks(t, "first start", database, now)
			db, err := store.OpenToServe(t.Context(), database, store.ServeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			at := time.Now().UTC()
			db.SetNode("node")
			if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.PublishWatermark(at, store.Watermark{All: at, Default: at}) }); err != nil {
				t.Fatal(err)
			}
			err = RotateSecretKey(t.Context(), database, KeyRotation{Current: now}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), "stop") {
				t.Errorf("while a server runs: %v", err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			expectKeyWorks(t, "afterwards", database, now)
		})
	}
}

func TestRotateSecretKey_DiscardStartsAgainWithoutTheOldKey(t *testing.T) {
	for what, lose := range map[string]func(path string) error{
		"missing": os.Remove,
		"damaged": func(path string) error { return os.WriteFile(path, []byte("?"), 0o600) },
	} {
		t.Run(what, func(t *testing.T) {
			database := filepath.Join(t.TempDir(), "a.db")
			expectKeyWorks(t, "first start", database, SecretKey{})
			if err := lose(database + keySuffix); err != nil {
				t.Fatal(err)
			}
			if err := RotateSecretKey(t.Context(), database, KeyRotation{}, io.Discard); err == nil {
				t.Error("the key was changed without the old one")
			}
			if out := rotate(t, database, KeyRotation{Discard: true}); !strings.Contains(out, "cannot decrypt them: 1") {
				t.Error(out)
			}
			expectKeyWorks(t, "with the new key", database, SecretKey{})
		})
	}
}

func TestCheck_ReportsWhetherTheKeyFits(t *testing.T) {
	database := filepath.Join(t.TempDir(), "a.db")
	expectKeyWorks(t, "first start", database, SecretKey{})
	channel := func(settings map[string]any) {
		db, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := (SecretKey{}).unlock(t.Context(), db, database, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			p, err := tx.AddProject(monitor.Project{Slug: "main", Name: "Main", Zone: "UTC", Created: time.Now()})
			if err != nil {
				return err
			}
			_, err = tx.AddChannel(monitor.Channel{Project: p.Key, Kind: "webhook", Name: "ops", Settings: settings, Created: time.Now()})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	channel(map[string]any{"url": "nowhere"})
	check := func(k SecretKey) string {
		var out strings.Builder
		_ = Check(context.Background(), Options{Database: database, SecretKey: k}, func(r CheckResult) {
			fmt.Fprintf(&out, "%s %s %s\n", r.Name, r.State, r.Detail)
		})
		return out.String()
	}
	if out := check(SecretKey{}); !strings.Contains(out, "secret key ok") || !strings.Contains(out, `channel "ops"`) {
		t.Error(out)
	}
	if out := check(SecretKey{Text: seal.GenerateKey()}); !strings.Contains(out, "secret key failed the database is encrypted with") || !strings.Contains(out, "\nchannels skipped") {
		t.Error(out)
	}
}

func TestFind_NamesTheFileInWhichARotationKeptTheKeyOfARestoredBackup(t *testing.T) {
	dir := t.TempDir()
	database := filepath.Join(dir, "overdue.db")
	db, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	path, _ := SecretKey{}.file(database)
	old, err := createKey(path)
	if err == nil {
		_, err = db.UseSecretKey(t.Context(), old)
	}
	if err == nil {
		err = os.Rename(path, keptFileName(path, old.ID()))
	}
	if err == nil {
		_, err = createKey(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = SecretKey{}.find(t.Context(), db, database)
	if err == nil || !strings.Contains(err.Error(), "kept in "+keptFileName(path, old.ID())) || strings.Contains(err.Error(), "--discard") {
		t.Errorf("%v; want the file that has the key, and no advice to discard it", err)
	}
}
