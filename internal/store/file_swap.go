package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A database is several files, and no file system renames several at once. So a
// restore writes down first what it will do, in a file next to the database:
//
//	copy, verify, sync ─▶ NAME.restoring appears ─▶ old files aside ─▶ new file in place ─▶ NAME.restoring goes
//	      cut off here: the old database            cut off here: who opens the database next goes on
type fileSwap struct {
	Staged   string `json:"staged"` // name of the new file, in the same directory
	Previous string `json:"kept"`   // name that the old database gets
}

// planSwap chooses names that are free.
func planSwap(path string, now time.Time) fileSwap {
	base := filepath.Base(path)
	stamp := now.UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		s := fileSwap{Staged: base + stagedInfix + stamp, Previous: base + ".before-restore-" + stamp}
		if n > 1 {
			s.Previous += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(filepath.Join(filepath.Dir(path), s.Previous)); err != nil {
			return s
		}
	}
}

// stagedInfix begins the name of a new file, behind that of the database.
const stagedInfix = ".restore-"

// removeLeftovers removes the copies that restores left which were killed before
// they wrote down a swap. The caller has the locks, so no other restore runs.
func removeLeftovers(path string) error {
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), filepath.Base(path)+stagedInfix) {
			if err := removeIfExists(filepath.Join(filepath.Dir(path), f.Name())); err != nil {
				return fmt.Errorf("restore: %w", err)
			}
		}
	}
	return nil
}

// swapFile returns the path of the file that records a swap.
func swapFile(path string) string { return path + ".restoring" }

// save records the swap on disk. From then on, the swap will be completed.
func (s fileSwap) save(path string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	draft := swapFile(path) + "-draft"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := syncFile(draft); err != nil {
		return err
	}
	if err := os.Rename(draft, swapFile(path)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return syncDirectory(path)
}

// discard removes the new file of a swap that was not written down.
func (s fileSwap) discard(path string) error {
	staged := filepath.Join(filepath.Dir(path), s.Staged)
	var errs []error
	for _, file := range append(sideFiles(staged), staged, staged+".migrate.lock", swapFile(path)+"-draft") {
		errs = append(errs, removeIfExists(file))
	}
	return errors.Join(errs...)
}

// finish completes a swap.
func (s fileSwap) finish(path string) error {
	for _, step := range s.steps(path) {
		if err := step(); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return nil
}

// steps returns the steps of a swap. They can be repeated after an interruption.
func (s fileSwap) steps(path string) []func() error {
	dir := filepath.Dir(path)
	staged, kept := filepath.Join(dir, s.Staged), filepath.Join(dir, s.Previous)
	var steps []func() error
	for _, side := range append(sideFiles(""), "") {
		steps = append(steps, func() error {
			if _, err := os.Stat(staged); errors.Is(err, fs.ErrNotExist) {
				return nil // the new file is in place: what lies here is its own
			}
			return moveAside(path+side, kept+side)
		})
	}
	return append(steps,
		func() error { return syncDirectory(path) },
		func() error { return ignoreNotExist(os.Rename(staged, path)) },
		func() error { return syncDirectory(path) },
		func() error { return ignoreNotExist(os.Remove(swapFile(path))) },
		func() error { return syncDirectory(path) },
	)
}

// moveAside renames a file, if it is there, to a name that is not taken.
func moveAside(from, to string) error {
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s exists already; move it away", to)
	}
	return os.Rename(from, to)
}

// ignoreNotExist ignores that a file does not exist.
func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// finishRestore completes an interrupted restore.
func finishRestore(ctx context.Context, path string) error {
	if _, err := os.Lstat(swapFile(path)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := lockSchema(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	text, err := os.ReadFile(swapFile(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was not cut off: it has just been finished
	}
	if err != nil {
		return err
	}
	var s fileSwap
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%s: %w", swapFile(path), err)
	}
	for _, name := range []string{s.Staged, s.Previous} {
		if !strings.HasPrefix(name, filepath.Base(path)+".") || name != filepath.Base(name) {
			return fmt.Errorf("%s names %q, which is no file of this database", swapFile(path), name)
		}
	}
	return s.finish(path)
}
