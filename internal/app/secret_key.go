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

// SecretKey locates the key that seals secrets in the database. At most one field
// may be set. If none is set, the key is in a file next to the SQLite file, and
// PostgreSQL has no key.
type SecretKey struct {
	Text string // the key itself
	File string // a file that holds it
}

// keySuffix is added to the name of a SQLite file for the file of its key.
const keySuffix = ".secret-key"

// file returns the file with the key of a database, or "" if the key is not in a
// file. made reports whether the first start creates it.
func (k SecretKey) file(database string) (path string, made bool) {
	switch {
	case k.File != "":
		return k.File, false
	case k.Text != "" || strings.Contains(database, "://"):
		return "", false
	}
	return database + keySuffix, true
}

// describe describes the source of the key for messages.
func (k SecretKey) describe(database string) string {
	switch path, _ := k.file(database); {
	case k.Text != "":
		return "OVERDUE_SECRET_KEY"
	case path != "":
		return "the key file " + path
	}
	return "no key"
}

// errNoKey is the error of a server on PostgreSQL without a key.
var errNoKey = errors.New("PostgreSQL requires a secret key that all servers share: create one with `overdue secret-key create FILE`, " +
	"and configure it on every server with --secret-key-file, OVERDUE_SECRET_KEY_FILE or OVERDUE_SECRET_KEY")

// candidates returns the current key, and the next key if a rotation has written
// its file and was interrupted.
func (k SecretKey) candidates(database string) (now, next *seal.Key, err error) {
	if k.Text != "" {
		now, err = seal.ParseKey(k.Text)
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
	next, err = readKey(path + newKeySuffix)
	return now, next, err
}

// find returns the key that the database is sealed with, or will be sealed with if
// it has none yet; nil if there is no key. next reports whether it is the key of
// an interrupted rotation. It writes nothing.
func (k SecretKey) find(ctx context.Context, db *store.DB, database string) (key *seal.Key, next bool, err error) {
	id, sealed, err := db.SecretKeyID(ctx)
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
		return nil, false, fmt.Errorf("the database is encrypted with the key %s, and there is %s: put the key file back, or name it with --secret-key-file; %s",
			id, "no "+strings.TrimPrefix(k.describe(database), "the "), lostKeyAdvice)
	}
	if kept, path := k.keptKeyFile(database, id); kept != "" {
		return nil, false, fmt.Errorf("the database is encrypted with the key %s, which a rotation kept in %s: copy that file over %s", id, kept, path)
	}
	return nil, false, fmt.Errorf("the database is encrypted with the key %s, but %s holds %s: use the key that it was encrypted with; %s",
		id, k.describe(database), now.ID(), lostKeyAdvice)
}

// keptKeyFile returns the file in which a rotation kept an earlier key, and the file that
// the key is read from. It is empty if there is none.
func (k SecretKey) keptKeyFile(database, id string) (file, path string) {
	path, _ = k.file(database)
	file = keptFileName(path, id)
	if key, err := readKey(file); path == "" || err != nil || key == nil || key.ID() != id {
		return "", path
	}
	return file, path
}

// keptFileName returns the file name of a key that a rotation replaced.
func keptFileName(path, id string) string { return path + "." + id }

// lostKeyAdvice is the advice for an operator who has lost the key.
const lostKeyAdvice = "if it is lost, `overdue secret-key rotate --discard` starts with a new key, and you must set up the channels again"

// unlock loads the key when a server starts, and seals secrets that are stored in
// plain text. The first start on SQLite creates the key.
func (k SecretKey) unlock(ctx context.Context, db *store.DB, database string, log *slog.Logger) error {
	key, next, err := k.find(ctx, db, database)
	if err != nil {
		return fmt.Errorf("secret key: %w", err)
	}
	path, made := k.file(database)
	switch {
	case key == nil && made:
		if key, err = createKey(path); err != nil {
			return fmt.Errorf("secret key: %w", err)
		}
		log.Info("secret key created", "file", path, "key", key.ID())
	case key == nil:
		return fmt.Errorf("secret key: there is no file %s: create it with `overdue secret-key create %s`", path, path)
	case next:
		kept, err := finishRotation(path)
		if err != nil {
			return fmt.Errorf("secret key: %w", err)
		}
		log.Info("secret key rotation finished", "file", path, "old", kept)
	}
	if made {
		warnIfReadable(path, log)
	}
	sealed, err := db.UseSecretKey(ctx, key)
	if err != nil {
		return err
	}
	if sealed > 0 {
		log.Info("stored secrets encrypted", "values", sealed, "key", key.ID())
	}
	return nil
}

// warnIfReadable logs a warning if other users can read a key file next to the
// database. It does not check files that the operator names: containers mount
// secrets as readable.
func warnIfReadable(path string, log *slog.Logger) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("secret key file readable by others", "component", "secret key", "advice", "run chmod 600 on it", "file", path, "mode", info.Mode().Perm().String())
	}
}

// check verifies that the key opens every sealed value, and loads it. open is
// false if secrets cannot be read.
func (k SecretKey) check(ctx context.Context, db *store.DB, database string) (open bool, err error) {
	_, sealed, err := db.SecretKeyID(ctx)
	if err != nil {
		return false, err
	}
	key, _, err := k.find(ctx, db, database)
	if err != nil || !sealed {
		return !sealed, err
	}
	db.LoadSecretKey(key)
	return true, db.CheckSealed(ctx, key)
}

// finishRotation replaces the key file with the new one. It keeps the old file, with
// the id of its key appended, because older backups need it. It returns the name
// of the old file, or "" if there was none.
func finishRotation(path string) (kept string, err error) {
	old, err := readKey(path)
	switch {
	case err != nil:
		kept = path + ".damaged"
	case old != nil:
		kept = keptFileName(path, old.ID())
	}
	if kept != "" {
		if err := os.Rename(path, kept); err != nil {
			return "", fmt.Errorf("old key file: %w", err)
		}
	}
	if err := os.Rename(path+newKeySuffix, path); err != nil {
		return "", fmt.Errorf("new key file: %w", err)
	}
	return kept, syncDir(path)
}

// newKeySuffix is appended to the name of a key file until a rotation is finished.
const newKeySuffix = ".new"

// maxKeyFileSize is the maximum number of bytes read from a key file.
const maxKeyFileSize = 4096

// readKey reads a key file. It returns nil if the file does not exist.
func readKey(path string) (*seal.Key, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFileSize)) // it may be a device
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	key, err := seal.ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

// createKey writes a new key to a file that only its owner can read. The file is
// complete and synced before it gets its name.
func createKey(path string) (*seal.Key, error) {
	text := seal.GenerateKey()
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".draft-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("new key file: %w", err)
	}
	_, err = draft.WriteString(text + "\n")
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		// A link, not a rename: an existing key must never be replaced.
		err = os.Link(draft.Name(), path)
	}
	exists := errors.Is(err, fs.ErrExist)
	err = errors.Join(err, os.Remove(draft.Name()))
	switch {
	case exists:
		return nil, fmt.Errorf("%s already exists; name a new file", path)
	case err != nil:
		return nil, fmt.Errorf("new key file %s: %w", path, err)
	}
	if err := syncDir(path); err != nil {
		return nil, err
	}
	return seal.ParseKey(text)
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
