// Command withpostgres starts a PostgreSQL server, runs a command with the directory of
// its socket in an environment variable, and stops the server.
//
//	go run ./internal/store/storetest/withpostgres go test ./...
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"overdue/internal/store/storetest"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
		code = 1
	}
	os.Exit(code)
}

// run returns the command's exit code.
func run(command []string) (int, error) {
	if len(command) == 0 {
		return 2, errors.New("name a command to run")
	}
	if value := os.Getenv(storetest.DatabasesVariable); value != "" {
		return 2, fmt.Errorf("%s is %q, so the tests would leave out PostgreSQL: unset it", storetest.DatabasesVariable, value)
	}
	dir, err := os.MkdirTemp("", "overdue-postgres-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	// The server's user cannot enter a directory of MkdirTemp.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	server, err := storetest.NewPostgres(filepath.Join(dir, "pg"), true)
	if err != nil {
		return 1, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), storetest.PostgresDir+"="+filepath.Join(dir, "pg"))
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return cmd.ProcessState.ExitCode(), errors.Join(err, server.Stop())
}
