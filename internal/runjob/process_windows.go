//go:build windows

package runjob

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/term"
)

func isDevice(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

func reopen(*os.File) (from *os.File, appends bool) { return nil, false }

func closeInherited(Streams) {}

func killWithParent() *syscall.SysProcAttr { return nil }

func watchForClosedReader(io.Writer, func()) {}

func KillSelf(syscall.Signal) {}

func startForwarder([]*outputPipe) error {
	return errors.New("forward-output: not started: not available on Windows")
}
