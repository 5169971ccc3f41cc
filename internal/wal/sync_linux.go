package wal

import (
	"os"
	"syscall"
)

// syncData forces the content of a file to disk, with only the metadata that is
// needed to read it (fdatasync(2)).
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
