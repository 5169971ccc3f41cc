//go:build !linux

package wal

import "os"

// syncData forces a file to disk.
func syncData(f *os.File) error { return f.Sync() }
