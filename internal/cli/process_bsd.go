//go:build unix && !linux

package cli

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ourselves is the path of this program.
func ourselves() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// replace makes a descriptor a copy of another one.
func replace(old, by int) error { return unix.Dup2(by, old) }

// sameFate does nothing here: only Linux can end a child with its parent.
func sameFate() *syscall.SysProcAttr { return nil }

// watchReader does nothing here: the next write shows that the reader has gone.
func watchReader(io.Writer, func()) {}

// dieOf returns at once: here the exit code says which signal ended the job.
func dieOf(syscall.Signal) {}

// forwardedHere are the signals to pass on that only this system has: none.
func forwardedHere() []os.Signal { return nil }
