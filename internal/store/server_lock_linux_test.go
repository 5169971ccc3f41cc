package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestOpen_ClosingAnotherDescriptorKeepsTheLocks reads the locks on the database
// file of a server through another descriptor: the range that SQLite shares
// (https://www.sqlite.org/src/file/src/os.h), and the byte behind it.
func TestOpen_ClosingAnotherDescriptorKeepsTheLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "overdue.db")
	openServer(t, path)
	for range 2 {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name, bytes := range map[string]unix.Flock_t{
			"SQLite's": {Type: unix.F_WRLCK, Start: 0x40000002, Len: 510},
			"ours":     {Type: unix.F_WRLCK, Start: 0x40000200, Len: 1},
		} {
			if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &bytes); err != nil || bytes.Type == unix.F_UNLCK {
				t.Errorf("%s is not held (%v)", name, err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
