package sqlite

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

	"overdue/internal/store/filelock"
	"overdue/internal/wal"
)

// Swap replaces a database by a staged file. A database is several files, and no
// file system renames several at once. So a restore first records what it will do,
// in a file next to the database:
//
//	copy, verify, sync ─▶ NAME.restoring is created ─▶ old files aside ─▶ new file in place ─▶ NAME.restoring is removed
//	   interrupted here: the old database          interrupted here: the next open completes the swap
type Swap struct {
	Staged   string `json:"staged"` // name of the new file, in the same directory
	Previous string `json:"kept"`   // new name of the old database
}

// PlanSwap chooses unused names.
func PlanSwap(path string, now time.Time) Swap {
	base := filepath.Base(path)
	stamp := now.UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		s := Swap{Staged: base + stagedInfix + stamp, Previous: base + ".before-restore-" + stamp}
		if n > 1 {
			s.Previous += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(s.PreviousPath(path)); err != nil {
			return s
		}
	}
}

// stagedInfix follows the name of the database in the name of a staged file.
const stagedInfix = ".restore-"

// StagedPath returns the path of the new file.
func (s Swap) StagedPath(path string) string { return filepath.Join(filepath.Dir(path), s.Staged) }

// PreviousPath returns the path that the old database gets.
func (s Swap) PreviousPath(path string) string { return filepath.Join(filepath.Dir(path), s.Previous) }

// RemoveLeftovers removes the staged files of restores that were killed before
// they recorded a swap. The caller holds the locks, so no other restore runs.
func RemoveLeftovers(path string) error {
	names, err := Leftovers(path)
	for _, name := range names {
		err = errors.Join(err, RemoveIfExists(filepath.Join(filepath.Dir(path), name)))
	}
	return err
}

// Leftovers returns the names of the files that RemoveLeftovers removes.
func Leftovers(path string) ([]string, error) {
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("files next to the database: %w", err)
	}
	var names []string
	for _, f := range files {
		if strings.HasPrefix(f.Name(), filepath.Base(path)+stagedInfix) {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// SwapPath returns the path of the file that records a swap.
func SwapPath(path string) string { return path + ".restoring" }

// Save records the swap on disk. From then on, the swap will be completed.
func (s Swap) Save(path string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	draft := SwapPath(path) + "-draft"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := SyncFile(draft); err != nil {
		return err
	}
	if err := os.Rename(draft, SwapPath(path)); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return wal.SyncDirectory(path)
}

// Discard removes the staged file of a swap that was not recorded.
func (s Swap) Discard(path string) error {
	staged := s.StagedPath(path)
	var errs []error
	for _, file := range append(SideFiles(staged), staged, filelock.SchemaLockPath(staged), SwapPath(path)+"-draft") {
		errs = append(errs, RemoveIfExists(file))
	}
	return errors.Join(errs...)
}

// ChownStaged gives the staged file to the owner of the old database, or of the
// directory if there is none.
func (s Swap) ChownStaged(path string) error {
	like, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		like, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("owner of the database: %w", err)
	}
	if err := chownLike(s.StagedPath(path), like); err != nil {
		return fmt.Errorf("owner of the database: %w", err)
	}
	return nil
}

// Finish completes a swap.
func (s Swap) Finish(path string) error {
	for _, step := range s.Steps(path) {
		if err := step(); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return nil
}

// Steps returns the steps of a swap. They can be repeated after an interruption.
func (s Swap) Steps(path string) []func() error {
	staged, previous := s.StagedPath(path), s.PreviousPath(path)
	var steps []func() error
	for _, suffix := range append(SideFiles(""), "") {
		steps = append(steps, func() error {
			if _, err := os.Stat(staged); errors.Is(err, fs.ErrNotExist) {
				return nil // the new file is in place, and these files belong to it
			}
			return moveAside(path+suffix, previous+suffix)
		})
	}
	return append(steps,
		func() error { return wal.SyncDirectory(path) },
		func() error { return ignoreNotExist(os.Rename(staged, path)) },
		func() error { return wal.SyncDirectory(path) },
		func() error { return ignoreNotExist(os.Remove(SwapPath(path))) },
		func() error { return wal.SyncDirectory(path) },
	)
}

// moveAside renames a file, if it exists, to an unused name.
func moveAside(from, to string) error {
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s already exists; move it to another place", to)
	}
	return os.Rename(from, to)
}

// ignoreNotExist returns nil for the error of a file that does not exist.
func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// FinishSwap completes an interrupted restore, if there is one.
func FinishSwap(ctx context.Context, path string) error {
	if _, err := os.Lstat(SwapPath(path)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	unlock, err := filelock.LockSchema(ctx, path)
	if err != nil {
		return err
	}
	defer unlock()
	text, err := os.ReadFile(SwapPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another process has just completed it
	}
	if err != nil {
		return err
	}
	var s Swap
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%s: %w", SwapPath(path), err)
	}
	for _, name := range []string{s.Staged, s.Previous} {
		if !strings.HasPrefix(name, filepath.Base(path)+".") || name != filepath.Base(name) {
			return fmt.Errorf("%s names %q, which is not a file of this database", SwapPath(path), name)
		}
	}
	return s.Finish(path)
}
