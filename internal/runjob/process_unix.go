//go:build unix

package runjob

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// isDevice reports whether a file is a terminal or another device. The null device does
// not count: programs behave the same with a pipe instead of it.
func isDevice(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	if err != nil {
		return true
	}
	one, ok := info.Sys().(*syscall.Stat_t)
	two, also := null.Sys().(*syscall.Stat_t)
	return !ok || !also || one.Rdev != two.Rdev
}

// reopen opens a file for reading that is open for writing, and reports whether writes
// are appended. It returns nil if that is not possible. /proc/self/fd opens the file
// again (proc_pid_fd(5)); /dev/fd of other systems only copies the descriptor, which
// stays write-only.
func reopen(file *os.File) (from *os.File, appends bool) {
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	if err != nil {
		return nil, false
	}
	from, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return nil, false
	}
	return from, flags&unix.O_APPEND != 0
}

// inheritedDescriptors returns the descriptors that this process has inherited, except
// the standard streams. Descriptors that it opened itself are closed on exec.
func inheritedDescriptors() []int {
	names, err := filepath.Glob("/dev/fd/*")
	if err != nil {
		return nil
	}
	found := []int{}
	for _, name := range names {
		fd, err := strconv.Atoi(filepath.Base(name))
		if err != nil || fd < firstInheritable {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			found = append(found, fd)
		}
	}
	return found
}

// closeInherited closes the descriptors that only the child needs: inherited ones and
// standard input. Otherwise a lock, or a pipe that the child has closed, would stay
// open until this process ends. It does nothing in tests, which share their process.
func closeInherited(std Streams) {
	if std.In != os.Stdin {
		return
	}
	for _, fd := range inheritedDescriptors() {
		_ = unix.Close(fd) // on failure it stays open a little longer
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return // standard input stays open a little longer
	}
	defer nothing.Close()
	_ = copyDescriptor(int(os.Stdin.Fd()), int(nothing.Fd())) // the same
}

// forwarderStartTimeout limits the start of a forwarder.
const forwarderStartTimeout = 10 * time.Second

// startForwarder starts a process that reads the pipes from now on. It has a new
// session and no descriptors except the pipes and their destinations.
func startForwarder(outputs []*outputPipe) error {
	ready, end, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("forward-output: not started: %w", err)
	}
	defer ready.Close()
	cmd := exec.Command(programPath(), "forward-output", strconv.Itoa(len(outputs)))
	cmd.Env, cmd.Dir = []string{}, "/" // no variable and no mount point is held either
	cmd.Stdout = end
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	for _, o := range outputs {
		to, ok := o.to.(*os.File)
		if !ok {
			_ = o.from.Close() // only in tests is the destination not a file
			continue
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, o.from, to)
	}
	if len(cmd.ExtraFiles) == 0 {
		return end.Close()
	}
	err = cmd.Start()
	_ = end.Close() // the forwarder has a copy
	if err != nil {
		return fmt.Errorf("forward-output: not started: %w", err)
	}
	if err := errors.Join(ready.SetReadDeadline(time.Now().Add(forwarderStartTimeout)), readLine(ready)); err != nil {
		_ = cmd.Process.Kill() // it has not read anything
		_ = cmd.Wait()
		return fmt.Errorf("forward-output: not ready: %w", err)
	}
	return cmd.Process.Release()
}

// readLine reads one line.
func readLine(from *os.File) error {
	line := make([]byte, 64)
	n, err := from.Read(line)
	if err == nil && !strings.HasSuffix(string(line[:n]), "\n") {
		err = fmt.Errorf("unexpected line %q", line[:n])
	}
	return err
}
