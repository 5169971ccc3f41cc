package journal

import "os"

// SetSync puts a function in the place of the one that forces a file to disk.
func SetSync(j *Log, sync func(*os.File) error) { j.sync = sync }
