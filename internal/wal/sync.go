package wal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// SyncDirectory forces the entries of a file's directory to disk: new, renamed and
// deleted names. Windows has no such call; there a rename is on disk when it returns.
func SyncDirectory(file string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir := filepath.Dir(file)
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
