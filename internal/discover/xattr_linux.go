package discover

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// xattr is an extended attribute of a file, such as its SELinux label, without which
// cron does not read a crontab, or an access control list.
type xattr struct {
	name  string
	value []byte
}

// signatureXattrs are extended attributes that are true only for the old text.
const signatureXattrs = "security.ima security.evm"

// readXattrs returns the extended attributes of a file; none where the file system has
// none.
func readXattrs(path string) (all []xattr, err error) {
	names := make([]byte, 64<<10) // the most that Linux lists (xattr(7))
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

// setXattrs gives a file extended attributes.
func setXattrs(file *os.File, all []xattr) error {
	for _, x := range all {
		if err := unix.Fsetxattr(int(file.Fd()), x.name, x.value, 0); err != nil {
			return fmt.Errorf("extended attribute %s: not kept: %w", x.name, err)
		}
	}
	return nil
}
