//go:build unix && !linux

package runjob

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// programPath returns the path of this program.
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

// watchForClosedReader does nothing here: the next write fails if the reader has closed.
func watchForClosedReader(io.Writer, func()) {}

// KillSelf does nothing here: the exit code says which signal ended the job.
func KillSelf(syscall.Signal) {}

// platformSignals returns the signals to pass on that only this system has: none.
func platformSignals() []os.Signal { return nil }
