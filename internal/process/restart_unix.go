//go:build unix

package process

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// restartRequests returns the requests to restart, until stop. A signal that arrives
// while a request is handled is one more request, further ones are dropped.
func restartRequests() (requests <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR2)
	// Ignored signals stay ignored in the next program until it calls this function;
	// otherwise a second request would end it.
	return c, func() { signal.Ignore(syscall.SIGUSR2) }
}

// keepOnExec makes a file survive exec, and returns its descriptor.
func keepOnExec(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	err = raw.Control(func(number uintptr) {
		fd = int(number)
		_, failed = unix.FcntlInt(number, unix.F_SETFD, 0)
	})
	if err == nil {
		err = failed
	}
	return fd, err
}

// execInPlace replaces the program of this process.
func execInPlace(program string, args, env []string) error { return syscall.Exec(program, args, env) }
