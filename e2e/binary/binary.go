// Package binary is the only place that builds the program that the tests from
// outside run.
//
// Each test starts and stops it as needed.
package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// With builds the program into a temporary directory, calls run with its path, and
// deletes the directory. It is for TestMain: it returns the result of run. If the
// build fails, it prints the error and returns 1.
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
