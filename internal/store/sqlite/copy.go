package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"overdue/internal/wal"
)

// CopyDatabase copies a database with SQLite's log and its WAL to new files.
// SQLite recreates the index of its log (-shm) from the log.
func CopyDatabase(from, to string) error {
	for _, suffix := range append([]string{"", "-wal"}, wal.SegmentPaths(WALPath(""))...) {
		if err := copyFile(from+suffix, to+suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// copyFile copies a file to a new one that only its owner can read.
func copyFile(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// CheckHeader checks the header of a backup file
// (https://www.sqlite.org/fileformat2.html, 1.3).
func CheckHeader(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("backup file: %w", err)
	}
	defer f.Close()
	header := make([]byte, 16)
	if _, err := io.ReadFull(f, header); err != nil || !bytes.Equal(header, []byte("SQLite format 3\x00")) {
		return fmt.Errorf("%s is not a SQLite database; name an uncompressed file that overdue backup wrote", file)
	}
	return nil
}

// RemoveIfExists removes a file, if there is one.
func RemoveIfExists(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncFile forces a file and its directory entry to disk.
func SyncFile(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("sync %s: %w", file, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", file, err)
	}
	return wal.SyncDirectory(file)
}
