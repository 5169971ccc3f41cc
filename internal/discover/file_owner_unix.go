//go:build unix

package discover

import (
	"io/fs"
	"syscall"
)

// fileOwner is whose a file is; -1 where the file system does not tell.
func fileOwner(about fs.FileInfo) (uid, gid int) {
	if owner, ok := about.Sys().(*syscall.Stat_t); ok {
		return int(owner.Uid), int(owner.Gid)
	}
	return -1, -1
}

// hardLinkCount is how many names a file has; 1 where the file system does not tell.
func hardLinkCount(about fs.FileInfo) uint64 {
	if links, ok := about.Sys().(*syscall.Stat_t); ok {
		return uint64(links.Nlink)
	}
	return 1
}
