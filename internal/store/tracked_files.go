package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"overdue/internal/journal"
)

// ErrFilesMoved means that one of the database files was deleted, moved or replaced while
// the server runs: data written now would be lost at the next start.
var ErrFilesMoved = fmt.Errorf("%w: its files were deleted, moved or replaced", ErrUnavailable)

// maxLinks is the maximum number of symbolic links to follow.
const maxLinks = 40

// resolvePath returns the path of a database file with all symbolic links resolved:
// SQLite and the journal derive file names from it. The file need not exist.
func resolvePath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("database %s: %w", path, err)
	}
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil { // no link, or not there yet
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("database directory: %w%s", err, openAdvice(err))
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("database directory: %w", err)
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// rejectHardLinks rejects a file with several hard links: each name would have a
// separate write-ahead log (https://www.sqlite.org/howtocorrupt.html, 2.5).
func rejectHardLinks(path string) error {
	about, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	if n := names(about); n > 1 {
		return fmt.Errorf("%s has %d names (hard links), and SQLite would keep a log for each; delete the other names, or replace the file by a copy", path, n)
	}
	return nil
}

// sideFiles returns the files that may exist next to a database file and belong to
// it.
func sideFiles(path string) []string {
	return append([]string{path + "-wal", path + "-shm"}, journal.SegmentPaths(path+"-pings")...)
}

// trackedFile is the path of a file of a running server, and its identity at the start.
type trackedFile struct {
	name string
	info fs.FileInfo
}

// trackFiles records the identity of a server's files: the database first, then the
// files next to it.
func (db *DB) trackFiles() error {
	held, err := db.serverLock.databaseFile.Stat()
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	places := []trackedFile{{db.path, held}}
	for _, name := range sideFiles(db.path) {
		about, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("database file: %w", err)
		}
		places = append(places, trackedFile{name, about})
	}
	db.files.Store(&places)
	return nil
}

// trackedFiles are the files that must be where they are.
func (db *DB) trackedFiles() []trackedFile {
	if places := db.files.Load(); places != nil {
		return *places
	}
	return nil
}

// checkInPlace returns ErrFilesMoved when a file of this server is no longer the one with
// its name. It costs a stat(2) for each, so that every commit can ask.
func (db *DB) checkInPlace() error {
	for _, p := range db.trackedFiles() {
		about, err := os.Stat(p.name)
		if err == nil && os.SameFile(about, p.info) {
			continue
		}
		became := "was replaced by another file"
		switch {
		case errors.Is(err, fs.ErrNotExist):
			became = "was deleted or moved away"
		case err != nil:
			became = "cannot be found (" + err.Error() + ")"
		}
		return fmt.Errorf("%w: %s %s. Nothing is stored until the same file is back under that name. "+
			"To use the files that are there now, restart Overdue; to restore a backup, stop Overdue and run overdue restore", ErrFilesMoved, p.name, became)
	}
	return nil
}

// CheckFiles returns ErrFilesMoved when the files of the running server were
// deleted, moved or replaced. It makes a deleted lock file again. On PostgreSQL
// it does nothing.
func (db *DB) CheckFiles(context.Context) error {
	if db.serverLock == nil {
		return nil
	}
	if err := db.checkInPlace(); err != nil {
		return err
	}
	return db.serverLock.recreate()
}

// updateTables is one transaction of a server that may write. After an error it may
// have been committed all the same, to files that are gone.
func (db *DB) updateTables(ctx context.Context, fn func(*Tx) error) error {
	if err := db.checkInPlace(); err != nil {
		return err
	}
	return db.runTx(ctx, db.writer, nil, fn)
}

// untrackSideFiles prepares the stop of a server: if the database file is in place,
// everything is saved there and the other files no longer matter.
func (db *DB) untrackSideFiles() error {
	places := db.trackedFiles()
	places = slices.Clip(places[:min(1, len(places))])
	db.files.Store(&places)
	return db.checkInPlace()
}
