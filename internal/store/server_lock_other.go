//go:build !linux

package store

import "os"

// lockDatabaseFile does nothing: only Linux has locks that neither end with another
// descriptor of the file nor conflict with those of SQLite. Elsewhere the lock
// file, which lies where the real file does, keeps a second server away.
func lockDatabaseFile(*os.File) error { return nil }
