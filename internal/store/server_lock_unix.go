//go:build unix

package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// tryLock takes an exclusive flock(2), which ends with the descriptor.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLockHeld
	}
	return err
}

// names is how many names (hard links) a file has.
func names(about fs.FileInfo) uint64 {
	if stat, ok := about.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}

// chownLike makes a new file belong to the owner of another, as far as this user
// may: root restores what the user of the server reads.
func chownLike(file string, like fs.FileInfo) error {
	stat, ok := like.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(file, int(stat.Uid), int(stat.Gid))
}
