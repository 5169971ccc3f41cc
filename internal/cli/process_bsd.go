//go:build unix && !linux

package cli

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// programPath is the path of this program.
func programPath() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// copyDescriptor makes a descriptor a copy of another one.
func copyDescriptor(old, by int) error { return unix.Dup2(by, old) }

// killWithParent does nothing here: only Linux can end a child with its parent.
func killWithParent() *syscall.SysProcAttr { return nil }

// watchForClosedReader does nothing here: the next write shows that the reader has gone.
func watchForClosedReader(io.Writer, func()) {}

// killSelf returns at once: here the exit code says which signal ended the job.
func killSelf(syscall.Signal) {}

// platformSignals are the signals to pass on that only this system has: none.
func platformSignals() []os.Signal { return nil }
