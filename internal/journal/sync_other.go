//go:build !linux

package journal

import "os"

// syncData forces a file to disk.
func syncData(f *os.File) error { return f.Sync() }
