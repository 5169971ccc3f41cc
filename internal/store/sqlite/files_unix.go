//go:build unix

package sqlite

import (
	"io/fs"
	"os"
	"syscall"
)

// linkCount returns the number of names (hard links) of a file.
func linkCount(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}

// chownLike gives a new file to the owner of another file, if this process runs as
// root: root restores a database that the user of the server must read.
func chownLike(file string, like fs.FileInfo) error {
	stat, ok := like.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(file, int(stat.Uid), int(stat.Gid))
}
