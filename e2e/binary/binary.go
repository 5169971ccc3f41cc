// Package binary is the only place that builds the program that the tests from
// outside run.
//
// It refuses to know what they do with it: each starts and ends it as it needs.
package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// With builds the program into a directory of its own, calls run with its path,
// and takes it away again. It is for TestMain: it returns what run does, or 1
// when there is nothing to run, having said why.
func With(run func(path string) int) int {
	dir, err := os.MkdirTemp("", "overdue-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "overdue")
	build := exec.Command("go", "build", "-o", path, "overdue")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return run(path)
}
