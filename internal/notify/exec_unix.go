//go:build unix

package notify

import (
	"os/exec"
	"syscall"
)

// ownProcessGroup starts a program in a process group, and makes its timeout kill all of its processes.
func ownProcessGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
