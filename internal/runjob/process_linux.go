package runjob

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

// programPath returns the path of this program, even if an upgrade has replaced it.
func programPath() string { return "/proc/self/exe" }

// copyDescriptor makes a descriptor a copy of another one.
func copyDescriptor(old, by int) error { return unix.Dup3(by, old, 0) }

// killWithParent makes the kernel kill the child if this process is killed: the sender
// of SIGKILL means the job, but knows this process only. It needs
// [runtime.LockOSThread], because the kernel acts at the end of the thread that
// started the child (prctl(2), PR_SET_PDEATHSIG).
func killWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// watchForClosedReader calls gone when the last reader of a pipe has closed it. The next
// write would fail too, but one write of the child too late. A named pipe can get
// another reader, so it is not watched.
func watchForClosedReader(to io.Writer, gone func()) {
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

// KillSelf ends this process by a signal, so that its parent sees how the job ended. It
// returns if that is not possible. This process dumps no core, because the job has
// dumped one.
func KillSelf(sig syscall.Signal) {
	if unix.Getpid() == 1 {
		return // the kernel protects the first process of a container (pid_namespaces(7))
	}
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) // on failure there are two cores
	// Zero bytes mean SIG_DFL without flags and an empty mask on every architecture.
	// The Go runtime cannot do this for every signal.
	var zero [64]byte
	const setSize = 8
	_, _, failed := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&zero)), 0, setSize, 0, 0)
	if failed != 0 && sig != syscall.SIGKILL {
		return
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&zero)), 0, setSize, 0, 0)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), sig) // returns if the signal does not end a process
}

// The real-time signals for programs. The C library reserves the first ones (signal(7)).
const firstRealTime, lastRealTime = 35, 64

// platformSignals returns the signals to pass on that only Linux has.
func platformSignals() []os.Signal {
	more := []os.Signal{syscall.SIGPWR, syscall.SIGSTKFLT}
	for n := firstRealTime; n <= lastRealTime; n++ {
		more = append(more, syscall.Signal(n))
	}
	return more
}
