package wal

import (
	"os"
	"syscall"
)

// syncData forces the text of a file to disk, and of what is known about it
// only what is needed to read it again (fdatasync(2)).
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
