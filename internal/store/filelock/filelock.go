// Package filelock is the only place that locks files against other processes:
// the lock file of a server, the lock on the database file itself, and the lock
// under which a schema changes. Locks end with their process.
package filelock

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

// How long to wait for a lock of another process.
const (
	maxServerWait = 5 * time.Second  // for the lock of a server: the previous one can still be stopping
	maxSchemaWait = 30 * time.Second // for the lock under which the schema changes
	reportDelay   = time.Second      // before a wait is reported
	retryInterval = 50 * time.Millisecond
)

// errHeld means that another process holds the lock. It is the only reason to wait.
var errHeld = errors.New("held by another process")

// WaitFunc is called while a server waits for a lock, with the lock file and the
// holder, as far as it is known.
type WaitFunc func(file, holder string)

// lockFile takes an exclusive lock on a file and creates the file if needed. The
// lock ends with the process. The content of the file names the holder, for people.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file: %w%s", err, OpenAdvice(err))
	}
	if err := tryLock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	host, _ := os.Hostname() // without a name, the process id still helps
	if err := f.Truncate(0); err == nil {
		// An error is ignored: the lock is held even if the disk is full.
		_, _ = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), host)
	}
	return f, nil
}

// waitForLock takes a lock file and waits up to timeout while another process
// holds it. A lock file that cannot be opened is an error at once.
func waitForLock(ctx context.Context, path string, timeout time.Duration, onWait WaitFunc) (*os.File, error) {
	begun, reported := time.Now(), false
	for {
		f, err := lockFile(path)
		if err == nil || !errors.Is(err, errHeld) {
			return f, err
		}
		waited := time.Since(begun)
		if waited >= timeout {
			return nil, fmt.Errorf("%w (%s); waited %s", err, holderOf(path), timeout)
		}
		if !reported && waited >= reportDelay && onWait != nil {
			onWait(path, holderOf(path))
			reported = true
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(retryInterval):
		}
	}
}

// holderOf returns the holder of a lock file, for people.
func holderOf(path string) string {
	text, err := os.ReadFile(path)
	if holder := strings.TrimSpace(string(text)); err == nil && holder != "" {
		return holder
	}
	return "an unknown process"
}

// OpenAdvice returns advice for a file that cannot be opened for writing, or "".
func OpenAdvice(err error) string {
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

// LockSchema takes the lock under which a database file is opened for the first
// time, migrated or replaced. It returns the function that releases the lock.
func LockSchema(ctx context.Context, path string) (unlock func(), err error) {
	f, err := waitForLock(ctx, SchemaLockPath(path), maxSchemaWait, nil)
	if err != nil {
		return nil, err
	}
	return func() { _ = f.Close() }, nil // closing releases the lock; an error can only come later
}

// SchemaLockPath returns the path of the lock file of [LockSchema].
func SchemaLockPath(path string) string { return path + ".migrate.lock" }
