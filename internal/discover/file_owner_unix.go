//go:build unix

package discover

import (
	"io/fs"
	"syscall"
)

// fileOwner returns the owner of a file, or -1 if the file system does not provide it.
func fileOwner(about fs.FileInfo) (uid, gid int) {
	if owner, ok := about.Sys().(*syscall.Stat_t); ok {
		return int(owner.Uid), int(owner.Gid)
	}
	return -1, -1
}

// hardLinkCount returns the number of hard links of a file, or 1 if the file system does not
// provide it.
func hardLinkCount(about fs.FileInfo) uint64 {
	if links, ok := about.Sys().(*syscall.Stat_t); ok {
		return uint64(links.Nlink)
	}
	return 1
}
