//go:build unix

package httpd

import "syscall"

// openFiles returns the maximum number of open files of the process, 0 if unknown. Go's
// runtime has raised the soft limit to the hard one.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur)
}
