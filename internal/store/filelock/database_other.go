//go:build !linux

package filelock

import "os"

// lockDatabaseFile does nothing: only Linux has locks that neither end with
// another descriptor of the file nor conflict with those of SQLite. Elsewhere the
// lock file, which is next to the real file, keeps a second server away.
func lockDatabaseFile(*os.File) error { return nil }
