//go:build !linux

package discover

import "os"

// xattr is an extended attribute of a file, which is kept on Linux only.
type xattr struct{}

// readXattrs returns none.
func readXattrs(string) ([]xattr, error) { return nil, nil }

// setXattrs has nothing to set.
func setXattrs(*os.File, []xattr) error { return nil }
