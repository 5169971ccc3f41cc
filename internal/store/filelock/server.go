package filelock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Server keeps a second server away from a SQLite file.
//
// The lock file is found by its name: a second server that names the database
// by the same path waits for it and reports the holder. The lock on the database
// file is found by the identity of the file: another name, another mount or a
// deleted lock file does not bypass it.
type Server struct {
	path     string // of the database
	lockFile *os.File
	database *os.File // never read or written through this descriptor
}

// LockServer takes both locks for a server. onWait can be nil.
func LockServer(ctx context.Context, path string, onWait WaitFunc) (*Server, error) {
	lockFile, err := waitForLock(ctx, serverLockPath(path), maxServerWait, onWait)
	if errors.Is(err, errHeld) {
		return nil, alreadyServed(path, err)
	}
	if err != nil {
		return nil, err
	}
	s := &Server{path: path, lockFile: lockFile}
	if s.database, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		return nil, errors.Join(fmt.Errorf("database file: %w%s", err, OpenAdvice(err)), s.Release())
	}
	if err := lockDatabaseFile(s.database); errors.Is(err, errHeld) {
		return nil, errors.Join(alreadyServed(path, fmt.Errorf("%w, under another name", err)), s.Release())
	} else if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w; keep the database on a local disk", path, err), s.Release())
	}
	return s, nil
}

// LockMissing takes the lock file of a database that does not exist yet. It does
// not wait.
func LockMissing(ctx context.Context, path string) (*Server, error) {
	lockFile, err := waitForLock(ctx, serverLockPath(path), 0, nil)
	if err != nil {
		return nil, err
	}
	return &Server{path: path, lockFile: lockFile}, nil
}

// serverLockPath returns the path of the lock file of a server.
func serverLockPath(path string) string { return path + ".lock" }

// alreadyServed returns the error of a second server.
func alreadyServed(path string, err error) error {
	return fmt.Errorf("%s is already in use by another Overdue server; stop that server, or use PostgreSQL for several nodes (%w)", path, err)
}

// Release releases both locks. SQLite must have closed its connections: where
// it uses POSIX locks, closing any descriptor of the file ends all of them.
func (s *Server) Release() error {
	var errs []error
	for _, f := range []*os.File{s.database, s.lockFile} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// Stat returns the identity of the locked database file.
func (s *Server) Stat() (fs.FileInfo, error) { return s.database.Stat() }

// Recreate creates the lock file again if it was deleted. The database file is
// still locked, so no other server can have started meanwhile.
func (s *Server) Recreate() error {
	held, err := s.lockFile.Stat()
	if err != nil {
		return fmt.Errorf("lock file: %w", err)
	}
	if current, err := os.Stat(serverLockPath(s.path)); err == nil && os.SameFile(held, current) {
		return nil
	}
	created, err := lockFile(serverLockPath(s.path))
	if err != nil {
		return err
	}
	old := s.lockFile
	s.lockFile = created
	return old.Close()
}

// IsServed reports whether a server holds the lock file of a database.
func IsServed(path string) bool {
	f, err := os.OpenFile(serverLockPath(path), os.O_RDWR, 0)
	if err != nil {
		return false // no server has ever run here, or the next step reports the reason
	}
	defer f.Close()
	return errors.Is(tryLock(f), errHeld)
}
