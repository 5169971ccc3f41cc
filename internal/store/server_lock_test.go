package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"overdue/internal/store"
)

// openServer opens a database like a server, until the test ends.
func openServer(t *testing.T, address string) *store.DB {
	t.Helper()
	db, err := store.OpenToServe(context.Background(), address, store.ServeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // some tests remove its files
	return db
}

func TestOpenToServe_RejectsASecondServerUnderAnyName(t *testing.T) {
	for name, other := range map[string]func(path string) (string, error){
		"the same name": func(path string) (string, error) { return path, nil },
		"a symbolic link": func(path string) (string, error) {
			link := filepath.Join(filepath.Dir(path), "link.db")
			return link, os.Symlink("overdue.db", link)
		},
		"a symbolic link to the directory": func(path string) (string, error) {
			link := filepath.Dir(path) + "-link"
			return filepath.Join(link, "overdue.db"), os.Symlink(filepath.Dir(path), link)
		},
		"the same name, without the lock file": func(path string) (string, error) { return path, os.Remove(path + ".lock") },
		"another name, to which it was renamed": func(path string) (string, error) {
			moved := filepath.Join(filepath.Dir(path), "moved.db")
			return moved, os.Rename(path, moved)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "data", "overdue.db")
				openServer(t, path)
				address, err := other(path)
				if err != nil {
					t.Fatal(err)
				}
				second, err := store.OpenToServe(t.Context(), address, store.ServeOptions{})
				if err == nil {
					t.Fatal("a second server opened the file", second.Close())
				}
				if !strings.Contains(err.Error(), "is already in use by another Overdue server") {
					t.Errorf("error %q without the reason", err)
				}
			})
		})
	}
}

func TestOpenToServe_RejectsAFileWithSeveralHardLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overdue.db")
	if err := openServer(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, path+".other"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + ".other"} {
		db, err := store.OpenToServe(t.Context(), name, store.ServeOptions{})
		if err == nil {
			t.Fatal("it was opened", db.Close())
		}
		if !strings.Contains(err.Error(), "has 2 names (hard links)") {
			t.Errorf("error %q without the reason", err)
		}
	}
}

// TestOpen_NamesSideFilesAfterTheTargetOfALink opens a database by a link: a
// later start by the real name must find the log.
func TestOpen_NamesSideFilesAfterTheTargetOfALink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real", "overdue.db"), filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	openServer(t, link)
	for _, side := range []string{"", "-wal", "-pings0", ".lock"} {
		if _, err := os.Stat(path + side); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(link + side); side != "" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there (%v)", link+side, err)
		}
	}
}

// TestOpenToServe_FailsAtOnceIfTheLockFileCannotBeOpened uses a directory in place of
// the lock file, which cannot be opened for writing.
func TestOpenToServe_FailsAtOnceIfTheLockFileCannotBeOpened(t *testing.T) {
	for _, lock := range []string{".lock", ".migrate.lock"} {
		synctest.Test(t, func(t *testing.T) {
			path, begun := filepath.Join(t.TempDir(), "overdue.db"), time.Now()
			if err := os.Mkdir(path+lock, 0o700); err != nil {
				t.Fatal(err)
			}
			db, err := store.OpenToServe(t.Context(), path, store.ServeOptions{})
			if err == nil {
				t.Fatal("it was opened", db.Close())
			}
			if !strings.Contains(err.Error(), path+lock) || time.Since(begun) > 0 {
				t.Errorf("%v after %s; want the name of the file at once", err, time.Since(begun))
			}
		})
	}
}

func TestOpenToServe_ReportsTheLockHolderAfterOneSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, begun := filepath.Join(t.TempDir(), "overdue.db"), time.Now()
		first := openServer(t, path)
		var reported []string
		var closing sync.WaitGroup
		closing.Go(func() {
			time.Sleep(3 * time.Second)
			if err := first.Close(); err != nil {
				t.Error(err)
			}
		})
		second, err := store.OpenToServe(t.Context(), path, store.ServeOptions{OnLockWait: func(file, holder string) {
			reported = append(reported, fmt.Sprint(file, " ", strings.SplitN(holder, " on ", 2)[0], " ", time.Since(begun)))
		}})
		if err != nil {
			t.Fatal("after the first server ended:", err)
		}
		defer second.Close()
		closing.Wait()
		if want := fmt.Sprintf("%s.lock process %d 1s", path, os.Getpid()); len(reported) != 1 || reported[0] != want {
			t.Errorf("reported %q; want %q", reported, want)
		}
	})
}
