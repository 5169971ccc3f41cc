//go:build unix

package runjob

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwardedSignals returns the signals to pass on to the job: all except those that the
// kernel sends for faults, those that stop a process, and those of the Go runtime.
func forwardedSignals() []os.Signal {
	return append([]os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGALRM, syscall.SIGTERM, syscall.SIGCONT, syscall.SIGVTALRM, syscall.SIGWINCH, syscall.SIGIO,
	}, platformSignals()...)
}

// brokenPipeSignal returns the signal of a write to a pipe without a reader (pipe(7)).
func brokenPipeSignal() os.Signal { return syscall.SIGPIPE }

// isTerminalSignal reports whether a terminal sends this signal to its whole foreground
// process group: for a key, a new size, or when the shell continues a job.
func isTerminalSignal(sig os.Signal) bool {
	return sig == syscall.SIGINT || sig == syscall.SIGQUIT || sig == syscall.SIGWINCH || sig == syscall.SIGCONT
}

// inForeground reports whether keys on the terminal reach this process, and so the child,
// which is in the same process group (termios(3), tcgetpgrp(3)).
func inForeground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false // no terminal, as under cron or systemd
	}
	defer terminal.Close()
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// killedBy returns the signal that ended the process, if one did.
func killedBy(state *os.ProcessState) (sig syscall.Signal, killed bool) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, false
	}
	return status.Signal(), true
}
