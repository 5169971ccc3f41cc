package discover

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// xattr is an extended attribute of a file, such as its SELinux label, which cron requires, or an
// access control list.
type xattr struct {
	name  string
	value []byte
}

// signatureXattrs are extended attributes that are valid only for the old content.
const signatureXattrs = "security.ima security.evm"

// readXattrs returns the extended attributes of a file, or none if the file system does not support
// them.
func readXattrs(path string) (all []xattr, err error) {
	names := make([]byte, 64<<10) // the maximum on Linux (xattr(7))
	n, err := unix.Llistxattr(path, names)
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("extended attributes: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names[:n]), "\x00"), "\x00") {
		if name == "" || strings.Contains(signatureXattrs, name) {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return nil, fmt.Errorf("extended attribute %s: %w", name, err)
		}
		all = append(all, xattr{name, value[:n]})
	}
	return all, nil
}

// setXattrs sets the extended attributes of a file.
func setXattrs(file *os.File, all []xattr) error {
	for _, x := range all {
		if err := unix.Fsetxattr(int(file.Fd()), x.name, x.value, 0); err != nil {
			return fmt.Errorf("extended attribute %s: not kept: %w", x.name, err)
		}
	}
	return nil
}
