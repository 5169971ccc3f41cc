package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ourselves is the path of this program, also after it was replaced by a newer
// one.
func ourselves() string { return "/proc/self/exe" }

// replace makes a descriptor a copy of another one.
func replace(old, by int) error { return unix.Dup3(by, old, 0) }

// sameFate lets the child die with us: whoever kills us with SIGKILL means the
// job, and knows no other process. It needs [runtime.LockOSThread], because the
// kernel takes the end of the thread that started the child for ours (prctl(2),
// PR_SET_PDEATHSIG).
func sameFate() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// watchReader calls gone when the last reader of a pipe has closed it. A writer
// would only learn of it at its next write, which is one write of the child too
// late. A named pipe may get another reader, so it is not watched.
func watchReader(to io.Writer, gone func()) {
	file, ok := to.(*os.File)
	if !ok {
		return
	}
	kind, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil || !strings.HasPrefix(kind, "pipe:") {
		return
	}
	go func() {
		watched := []unix.PollFd{{Fd: int32(file.Fd())}}
		for {
			n, err := unix.Poll(watched, -1)
			if err == unix.EINTR {
				continue
			}
			if err == nil && n > 0 && watched[0].Revents&unix.POLLERR != 0 {
				gone()
			}
			return
		}
	}()
}

// dieOf ends this process by a signal, so that whoever waits for it sees how
// the job ended. It returns if that is not possible. No second core is dumped:
// the job has dumped its own.
func dieOf(sig syscall.Signal) {
	if unix.Getpid() == 1 {
		return // the kernel protects the first process of a container (pid_namespaces(7))
	}
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // at worst there are two
	// All zero is SIG_DFL without flags, and an empty mask, in each layout that
	// the kernel has. The runtime knows no way to this for every signal.
	var zero [64]byte
	const setSize = 8
	_, _, failed := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&zero)), 0, setSize, 0, 0)
	if failed != 0 && sig != syscall.SIGKILL {
		return
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&zero)), 0, setSize, 0, 0)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig) // what cannot kill us leaves us here
}

// The real-time signals that a program may use: the C library keeps the first
// ones (signal(7)).
const firstRealTime, lastRealTime = 35, 64

// forwardedHere are the signals to pass on that only Linux has.
func forwardedHere() []os.Signal {
	more := []os.Signal{syscall.SIGPWR, syscall.SIGSTKFLT}
	for n := firstRealTime; n <= lastRealTime; n++ {
		more = append(more, syscall.Signal(n))
	}
	return more
}
