package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"overdue/internal/seal"
	"overdue/internal/store"
)

// SecretKey says where the key is that secrets in the database are sealed with.
// Only one of the two may be set. Without either, the key is in a file next to
// the SQLite file, and PostgreSQL has none.
type SecretKey struct {
	Text string // the key itself
	File string // a file that holds it
}

// keySuffix is added to the name of a SQLite file for the file of its key.
const keySuffix = ".secret-key"

// file is the file that holds the key of a database, empty if no file does. made
// is true for the one that the first start makes.
func (k SecretKey) file(database string) (path string, made bool) {
	switch {
	case k.File != "":
		return k.File, false
	case k.Text != "" || strings.Contains(database, "://"):
		return "", false
	}
	return database + keySuffix, true
}

// setting names where the key came from, for messages.
func (k SecretKey) setting(database string) string {
	switch path, _ := k.file(database); {
	case k.Text != "":
		return "OVERDUE_SECRET_KEY"
	case path != "":
		return "the key file " + path
	}
	return "no key"
}

// errNoKey says what PostgreSQL needs.
var errNoKey = errors.New("PostgreSQL needs a secret key that all servers share: make one with `overdue secret-key create FILE`, " +
	"and give it to every server with --secret-key-file, OVERDUE_SECRET_KEY_FILE or OVERDUE_SECRET_KEY")

// candidates returns the keys that a setting may mean: that of a file, and the one
// that a change of the key has written next to it and not yet put in its place.
func (k SecretKey) candidates(database string) (now, next *seal.Key, err error) {
	if k.Text != "" {
		now, err = seal.Parse(k.Text)
		if err != nil {
			return nil, nil, fmt.Errorf("OVERDUE_SECRET_KEY: %w", err)
		}
		return now, nil, nil
	}
	path, _ := k.file(database)
	if path == "" {
		return nil, nil, errNoKey
	}
	if now, err = readKey(path); err != nil {
		return nil, nil, err
	}
	next, err = readKey(path + nextSuffix)
	return now, next, err
}

// find returns the key that the database is sealed with, or that it is to be
// sealed with if it has none yet. It is nil if there is none of those. next is
// true for the key of a change that was not finished. It writes nothing.
func (k SecretKey) find(ctx context.Context, db *store.DB, database string) (key *seal.Key, next bool, err error) {
	id, sealed, err := db.KeyID(ctx)
	if err != nil {
		return nil, false, err
	}
	now, after, err := k.candidates(database)
	switch {
	case err != nil:
		return nil, false, err
	case !sealed:
		return now, false, nil
	case now != nil && now.ID() == id:
		return now, false, nil
	case after != nil && after.ID() == id:
		return after, true, nil
	case now == nil:
		return nil, false, fmt.Errorf("the database is sealed with the key %s, and there is %s: put the key file back, or name it with --secret-key-file; %s",
			id, "no "+strings.TrimPrefix(k.setting(database), "the "), ifLost)
	}
	return nil, false, fmt.Errorf("the database is sealed with the key %s, but %s holds %s: give the key that it was sealed with; %s",
		id, k.setting(database), now.ID(), ifLost)
}

// ifLost says what to do without the key.
const ifLost = "if it is lost, `overdue secret-key rotate --discard` begins with a new one, and channels must be set up again"

// unlock loads the key at the start of a server, and seals what is stored in
// plain text. The first start on SQLite makes the key.
func (k SecretKey) unlock(ctx context.Context, db *store.DB, database string, log *slog.Logger) error {
	key, next, err := k.find(ctx, db, database)
	if err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	path, made := k.file(database)
	switch {
	case key == nil && made:
		if key, err = makeKey(path); err != nil {
			return fmt.Errorf("secret key: %w", err)
		}
		log.Info("secret key made", "file", path, "key", key.ID())
	case key == nil:
		return fmt.Errorf("secret key: there is no file %s: make it with `overdue secret-key create %s`", path, path)
	case next:
		kept, err := finishChange(path)
		if err != nil {
			return fmt.Errorf("secret key: %w", err)
		}
		log.Info("change of the secret key finished", "file", path, "old", kept)
	}
	if made {
		warnIfReadable(path, log)
	}
	sealed, err := db.UseKey(ctx, key)
	if err != nil {
		return err
	}
	if sealed > 0 {
		log.Info("stored secrets sealed", "values", sealed, "key", key.ID())
	}
	return nil
}

// warnIfReadable warns of a key file next to the database that others can read.
// Files that the operator names are theirs: containers mount secrets readable.
func warnIfReadable(path string, log *slog.Logger) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("secret key file can be read by others; run chmod 600 on it", "file", path, "mode", info.Mode().Perm().String())
	}
}

// check looks whether the key opens all that is sealed, and loads it. open is
// false if secrets cannot be read.
func (k SecretKey) check(ctx context.Context, db *store.DB, database string) (open bool, err error) {
	_, sealed, err := db.KeyID(ctx)
	if err != nil {
		return false, err
	}
	key, _, err := k.find(ctx, db, database)
	if err != nil || !sealed {
		return !sealed, err
	}
	db.LoadKey(key)
	return true, db.CheckSealed(ctx, key)
}

// finishChange puts the new key in the place of the old one, whose file is kept
// under the name of the key: backups from before still need it. It returns that
// name, empty if there was no old file.
func finishChange(path string) (kept string, err error) {
	old, err := readKey(path)
	switch {
	case err != nil:
		kept = path + ".damaged"
	case old != nil:
		kept = path + "." + old.ID()
	}
	if kept != "" {
		if err := os.Rename(path, kept); err != nil {
			return "", fmt.Errorf("old key file: %w", err)
		}
	}
	if err := os.Rename(path+nextSuffix, path); err != nil {
		return "", fmt.Errorf("new key file: %w", err)
	}
	return kept, syncDir(path)
}

// nextSuffix is added to the name of a key file while a change of the key is not
// finished.
const nextSuffix = ".new"

// mostKey bounds how much of a key file is read.
const mostKey = 4096

// readKey reads a key file; nil if there is none.
func readKey(path string) (*seal.Key, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostKey)) // it may be a device
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	key, err := seal.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// makeKey writes a new key to a file that only its owner may read. It is whole
// and on disk before it has its name.
func makeKey(path string) (*seal.Key, error) {
	text := seal.New()
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".draft-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("new key file: %w", err)
	}
	_, err = draft.WriteString(text + "\n")
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		// A link and not a rename: an existing key must never be replaced.
		err = os.Link(draft.Name(), path)
	}
	err = errors.Join(err, os.Remove(draft.Name()))
	if err != nil {
		return nil, fmt.Errorf("new key file %s: %w", path, err)
	}
	if err := syncDir(path); err != nil {
		return nil, err
	}
	return seal.Parse(text)
}

// syncDir forces the directory of a file to disk.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("directory of the key file: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("directory of the key file: %w", err)
	}
	return nil
}
