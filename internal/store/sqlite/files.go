package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"overdue/internal/store/dialect"
	"overdue/internal/store/filelock"
	"overdue/internal/wal"
)

// ErrFilesMoved means that one of the database files was deleted, moved or
// replaced while the server runs: data written now would be lost at the next start.
var ErrFilesMoved = fmt.Errorf("%w: its files were deleted, moved or replaced", dialect.ErrUnavailable)

// maxLinks is the maximum number of symbolic links to follow.
const maxLinks = 40

// ResolvePath returns the path of a database file with all symbolic links
// resolved: SQLite and the WAL derive file names from it. The file need not exist.
func ResolvePath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("database %s: %w", path, err)
	}
	for range maxLinks {
		target, err := os.Readlink(path)
		if err != nil { // no link, or the file does not exist yet
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("database directory: %w%s", err, filelock.OpenAdvice(err))
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("database directory: %w", err)
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// rejectHardLinks returns an error if a file has several hard links: each name
// would have a separate write-ahead log (https://www.sqlite.org/howtocorrupt.html, 2.5).
func rejectHardLinks(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("database file: %w", err)
	}
	if n := linkCount(info); n > 1 {
		return fmt.Errorf("%s has %d names (hard links), and SQLite would keep a log for each; delete the other names, or replace the file by a copy", path, n)
	}
	return nil
}

// WALPath returns the path of the log of pings that a server keeps next to its
// database.
func WALPath(path string) string { return path + "-pings" }

// SideFiles returns the files that can exist next to a database file and belong
// to it.
func SideFiles(path string) []string {
	return append([]string{path + "-wal", path + "-shm"}, wal.SegmentPaths(WALPath(path))...)
}

// damagedInfix is the part of the names of damaged files that precedes the time.
const damagedInfix = ".damaged-"

// DamagedSuffix returns the end of the names under which damaged files of a WAL are kept.
func DamagedSuffix(now time.Time) string { return damagedInfix + now.UTC().Format("20060102T150405Z") }

// DamagedFiles returns the damaged files that were kept next to a database.
func DamagedFiles(path string) ([]string, error) {
	var kept []string
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("files next to the database: %w", err)
	}
	for _, f := range files {
		for _, name := range wal.SegmentPaths(WALPath(filepath.Base(path))) {
			if strings.HasPrefix(f.Name(), name+damagedInfix) {
				kept = append(kept, filepath.Join(filepath.Dir(path), f.Name()))
			}
		}
	}
	return kept, nil
}

// Files holds the identity of a server's files, so that it notices when one is
// deleted, moved or replaced. The zero value tracks nothing.
type Files struct{ tracked atomic.Pointer[[]trackedFile] } // a probe can read it during Close

// trackedFile is the path of a file of a running server, and its identity at the start.
type trackedFile struct {
	name string
	info fs.FileInfo
}

// Track records the identity of the database file and of the files next to it.
func (f *Files) Track(path string, database fs.FileInfo) error {
	files := []trackedFile{{path, database}}
	for _, name := range SideFiles(path) {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("database file: %w", err)
		}
		files = append(files, trackedFile{name, info})
	}
	f.tracked.Store(&files)
	return nil
}

// Untrack forgets all files.
func (f *Files) Untrack() { f.tracked.Store(nil) }

// VerifyInPlace returns ErrFilesMoved if a tracked file is no longer the one with
// its name. It costs a stat(2) per file, cheap enough for every commit.
func (f *Files) VerifyInPlace() error {
	for _, file := range f.all() {
		info, err := os.Stat(file.name)
		if err == nil && os.SameFile(info, file.info) {
			continue
		}
		what := "was replaced by another file"
		switch {
		case errors.Is(err, fs.ErrNotExist):
			what = "was deleted or moved away"
		case err != nil:
			what = "cannot be found (" + err.Error() + ")"
		}
		return fmt.Errorf("%w: %s %s. Nothing is stored until the same file is back under that name. "+
			"To use the files that are there now, restart Overdue; to restore a backup, stop Overdue and run overdue restore", ErrFilesMoved, file.name, what)
	}
	return nil
}

// UntrackSideFiles prepares the stop of a server: if the database file is in
// place, everything is saved there and the other files no longer matter.
func (f *Files) UntrackSideFiles() error {
	files := f.all()
	files = slices.Clip(files[:min(1, len(files))])
	f.tracked.Store(&files)
	return f.VerifyInPlace()
}

// all returns the tracked files.
func (f *Files) all() []trackedFile {
	if files := f.tracked.Load(); files != nil {
		return *files
	}
	return nil
}
