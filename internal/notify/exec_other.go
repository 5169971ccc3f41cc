//go:build !unix

package notify

import "os/exec"

// ownProcessGroup does nothing: only the program itself is killed after its timeout.
func ownProcessGroup(*exec.Cmd) {}
