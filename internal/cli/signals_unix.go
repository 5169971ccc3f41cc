//go:build unix

package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwardedSignals are the signals that a process or person may send to the job, except
// those that the kernel sends for faults of a process, those that stop it, and
// those that the Go runtime uses.
func forwardedSignals() []os.Signal {
	return append([]os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGALRM, syscall.SIGTERM, syscall.SIGCONT, syscall.SIGVTALRM, syscall.SIGWINCH, syscall.SIGIO,
	}, platformSignals()...)
}

// brokenPipeSignal is what a write to a pipe without a reader sends (pipe(7)).
func brokenPipeSignal() os.Signal { return syscall.SIGPIPE }

// isTerminalSignal reports whether a terminal sends this signal to its whole
// foreground: for a key, a new size, or when the shell goes on with a job.
func isTerminalSignal(sig os.Signal) bool {
	return sig == syscall.SIGINT || sig == syscall.SIGQUIT || sig == syscall.SIGWINCH || sig == syscall.SIGCONT
}

// inForeground reports whether keys on our terminal reach us, and so the child,
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
