//go:build windows

package runjob

import (
	"os"
	"syscall"
)

// forwardedSignals returns the one signal of Windows, which the child receives as well.
func forwardedSignals() []os.Signal { return []os.Signal{os.Interrupt} }

func brokenPipeSignal() os.Signal { return syscall.SIGPIPE }

func isTerminalSignal(os.Signal) bool { return true }

func inForeground() bool { return true }

func killedBy(*os.ProcessState) (sig syscall.Signal, killed bool) { return 0, false }
