//go:build unix

package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that a job may have an opinion about.
func forwarded() []os.Signal {
	return []os.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP,
		syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
	}
}

// brokenPipe is what a write to a pipe without a reader sends (pipe(7)).
func brokenPipe() os.Signal { return syscall.SIGPIPE }

// fromKeyboard reports whether a terminal sends this signal for a key.
func fromKeyboard(sig os.Signal) bool { return sig == syscall.SIGINT || sig == syscall.SIGQUIT }

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
func killedBy(state *os.ProcessState) (n int, killed bool) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, false
	}
	return int(status.Signal()), true
}
