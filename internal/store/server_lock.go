package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// How long to wait for a lock of another process, and when to report the wait.
const (
	maxServerWait     = 5 * time.Second  // for the lock of a server: the one before may be stopping
	maxSchemaWait     = 30 * time.Second // for the lock under which the schema is changed
	lockReportDelay   = time.Second
	lockRetryInterval = 50 * time.Millisecond
)

// errLockHeld means that another process holds the lock. It is the only reason to wait.
var errLockHeld = errors.New("held by another process")

// LockWaitFunc is called while a start waits for a lock, with the lock file and the
// holder, as far as it is known.
type LockWaitFunc func(file, holder string)

// lockFile takes an exclusive lock on a file and creates the file if needed. The
// lock ends with the process. The content of the file names the holder, for people.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file: %w%s", err, openAdvice(err))
	}
	if err := tryLock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	host, _ := os.Hostname() // without a name the process id is still of use
	if err := f.Truncate(0); err == nil {
		// Ignored: on a full disk the lock is still held.
		_, _ = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), host)
	}
	return f, nil
}

// waitForLock takes a lock file, and waits for longest while another process
// holds it. A lock file that cannot be opened is an error at once.
func waitForLock(ctx context.Context, path string, longest time.Duration, report LockWaitFunc) (*os.File, error) {
	begun, said := time.Now(), false
	for {
		f, err := lockFile(path)
		if err == nil || !errors.Is(err, errLockHeld) {
			return f, err
		}
		waited := time.Since(begun)
		if waited >= longest {
			return nil, fmt.Errorf("%w (%s); waited %s", err, lockHolder(path), longest)
		}
		if !said && waited >= lockReportDelay && report != nil {
			report(path, lockHolder(path))
			said = true
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(lockRetryInterval):
		}
	}
}

// lockHolder returns the holder of a lock file, in words.
func lockHolder(path string) string {
	text, err := os.ReadFile(path)
	if holder := strings.TrimSpace(string(text)); err == nil && holder != "" {
		return holder
	}
	return "an unknown process"
}

// openAdvice returns advice for a file that cannot be opened for writing, or "".
func openAdvice(err error) string {
	switch {
	case errors.Is(err, syscall.EROFS):
		return "; make the file system writable, or name a database on one that is, with --database"
	case errors.Is(err, fs.ErrPermission):
		return "; run Overdue as the user that owns the directory, or give this user the right to write there"
	case errors.Is(err, syscall.ENOSPC):
		return "; free some space"
	}
	return ""
}

// serverLock keeps a second server away from a SQLite file.
//
// The lock file is found by its name: a second server that names the database
// by the same path waits for it and says who holds it. The lock on the
// database file itself is found by the file's identity, so that no other
// name, no mount and no deleted lock file leads around it.
type serverLock struct {
	path         string // of the database
	lockFile     *os.File
	databaseFile *os.File // the database file; never read or written through this
}

// lockServer takes both locks for a server.
func lockServer(ctx context.Context, path string, report LockWaitFunc) (*serverLock, error) {
	named, err := waitForLock(ctx, path+".lock", maxServerWait, report)
	if errors.Is(err, errLockHeld) {
		return nil, served(path, err)
	}
	if err != nil {
		return nil, err
	}
	l := &serverLock{path: path, lockFile: named}
	if l.databaseFile, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("database file: %w%s", err, openAdvice(err)), l.release())
	}
	if err := lockDatabaseFile(l.databaseFile); errors.Is(err, errLockHeld) {
		return nil, errors.Join(served(path, fmt.Errorf("%w, under another name", err)), l.release())
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w; keep the database on a local disk", path, err), l.release())
	}
	return l, nil
}

// served returns the error of a second server.
func served(path string, err error) error {
	return fmt.Errorf("%s is served by another overdue already; stop that one, or use PostgreSQL for several nodes (%w)", path, err)
}

// release gives both locks back. SQLite must have closed its connections: where
// it uses POSIX locks, closing any descriptor of the file ends all of them.
func (l *serverLock) release() error {
	var errs []error
	for _, f := range []*os.File{l.databaseFile, l.lockFile} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// recreate makes the lock file again when it was deleted. The database file is
// still locked, so nothing can have happened meanwhile.
func (l *serverLock) recreate() error {
	held, err := l.lockFile.Stat()
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	if there, err := os.Stat(l.path + ".lock"); err == nil && os.SameFile(held, there) {
		return nil
	}
	named, err := lockFile(l.path + ".lock")
	if err != nil {
		return err
	}
	old := l.lockFile
	l.lockFile = named
	return old.Close()
}

// isServed reports whether a server has the lock file of a database.
func isServed(path string) bool {
	f, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	if err != nil {
		return false // no server has ever been here, or the next step says why not
	}
	defer f.Close()
	return errors.Is(tryLock(f), errLockHeld)
}
