package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// serverByte is the byte of the database file that a server locks: the first one after
// those that SQLite locks (https://www.sqlite.org/src/file/src/os.h, from
// PENDING_BYTE on), on a page that SQLite never uses.
const serverByte = 0x40000000 + 2 + 510

// lockDatabaseFile locks the file itself, whatever its name. An open file
// description lock (fcntl(2), F_OFD_SETLK) stays until this descriptor is
// closed, and is independent of the other locks of the process.
func lockDatabaseFile(f *os.File) error {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: serverByte, Len: 1}
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return errHeld
	}
	return err
}
