package wal

import "os"

// SetSync replaces the function that forces a file to disk.
func SetSync(j *Log, sync func(*os.File) error) { j.sync = sync }
