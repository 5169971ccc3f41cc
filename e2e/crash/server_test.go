package crash_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"overdue/client"
	"overdue/internal/store/storetest"
)

// server is the real binary on one database. Tests start and stop it repeatedly.
type server struct {
	database string
	address  string   // host and port; the same for every start
	base     string   // value of --public-url; it identifies the alerts of the server
	key      string   // API key, created at the first start
	log      string   // log file of all starts
	wrapper  []string // command that starts the binary; empty for none
	program  string   // path of the binary
	level    string   // of the log; warn by default
	env      []string // additional variables
	files    int      // limit of open files; 0 for the default
	socket   *os.File // inherited socket, as from systemd; nil if the server listens itself

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
}

// newServer prepares a server without starting it. If it runs at the end of the test,
// it is killed.
func newServer(t *testing.T, database string) *server {
	t.Helper()
	address := freeAddress(t)
	s := &server{database: database, program: binary, level: "warn", address: address, base: "http://" + address, log: filepath.Join(t.TempDir(), "log")}
	t.Cleanup(func() {
		if s.running() {
			s.kill(t)
		}
		if t.Failed() {
			t.Logf("log of %s ends with:\n%s", s.address, s.logTail())
		}
	})
	return s
}

// secondServer starts another server on the same database.
func (s *server) secondServer(t *testing.T) *server {
	t.Helper()
	return newServer(t, s.database)
}

// freeAddress returns an address with a free port. The port is below those of outgoing
// connections, which could take it while the server is down.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if l, err := net.Listen("tcp", address); err == nil {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// runOverdue runs a command of the binary and returns its output.
func runOverdue(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("overdue %s: %v\n%s%s", args[0], err, out, problems.String())
	}
	return string(out)
}

// command returns the command that starts the server.
func (s *server) command() *exec.Cmd {
	// The shell executes the server in its place, so signals reach the server.
	before := ""
	if s.files > 0 {
		before = fmt.Sprintf("ulimit -n %d; ", s.files)
	}
	if s.socket != nil {
		before += "export LISTEN_FDS=1 LISTEN_PID=$$; "
	}
	args := append([]string{"-c", before + `exec "$0" "$@"`}, s.wrapper...)
	args = append(args, s.program, "serve", "--database", s.database, "--listen", s.address,
		"--public-url", s.base, "--allow-private-networks", "--log-format", "json", "--log-level", s.level)
	cmd := exec.Command("sh", args...)
	cmd.Env = append(os.Environ(), s.env...)
	if s.socket != nil {
		cmd.ExtraFiles = []*os.File{s.socket} // the first after the three usual ones
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // the server ends with the test process
	return cmd
}

// start starts the process without waiting until it is ready.
func (s *server) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd, exited := s.command(), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(errors.Join(err, log.Close()))
	}
	go func() {
		_ = cmd.Wait() // ProcessState has the result
		_ = log.Close()
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
}

// running reports whether the process runs.
func (s *server) running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// kill kills the process with SIGKILL, as the kernel does if memory runs out.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if !s.running() {
		t.Fatalf("the server ended by itself: %s", s.cmd.ProcessState)
	}
	s.signal(t, syscall.SIGKILL)
	<-s.exited
}

// signal sends a signal to the process.
func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("%s to the server: %v", sig, err)
	}
}

// stopTimeout is the maximum duration of a graceful stop.
const stopTimeout = 25 * time.Second

// waitForExit waits until a server that received a stop signal has stopped, and returns
// its exit code.
func (s *server) waitForExit(t *testing.T) int {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		t.Fatalf("the server did not stop within %s", stopTimeout)
	}
	return s.cmd.ProcessState.ExitCode()
}

// stop stops the server gracefully.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	if code := s.waitForExit(t); code != 0 {
		t.Errorf("the server stopped with exit code %d", code)
	}
}

// startReady starts the server and waits until it is ready. The first call also creates
// an API key.
func (s *server) startReady(t *testing.T) {
	t.Helper()
	s.start(t)
	s.waitForReadyz(t, http.StatusOK, 20*time.Second)
	if s.key == "" {
		s.key = strings.TrimSpace(runOverdue(t, "api-key", "create", "--name", "t", "--database", s.database))
	}
}

// waitForReadyz waits until /readyz responds with the given status, and returns the
// body of that response.
func (s *server) waitForReadyz(t *testing.T, status int, longest time.Duration) string {
	t.Helper()
	var said string
	waitUntil(t, longest, fmt.Sprintf("/readyz answers %d", status), func() bool {
		var got int
		got, said = s.readyz()
		return got == status
	})
	return said
}

// readyz returns the status and the body of /readyz. The status is 0 if there is no
// response.
func (s *server) readyz() (status int, said string) {
	c := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get("http://" + s.address + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

// api returns a client of the server's API.
func (s *server) api() *client.Client { return client.New("http://"+s.address, s.key) }

// logTail returns the end of the log.
func (s *server) logTail() string {
	log, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-3000):])
}

// waitUntil waits until a condition is true. what describes it in the error.
func waitUntil(t *testing.T, longest time.Duration, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(longest)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", longest, what)
		}
		sleep(t.Context(), 20*time.Millisecond)
	}
}

// sleep waits, and reports whether ctx is still active.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// sqliteFile returns the path of a database file that does not exist yet.
func sqliteFile(t *testing.T) string { return filepath.Join(t.TempDir(), "overdue.db") }

// newPostgres starts a PostgreSQL server that syncs to disk. It does not use
// t.TempDir, because the user of the PostgreSQL process cannot enter it.
func newPostgres(t *testing.T) *storetest.Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "crashpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := storetest.NewPostgres(filepath.Join(dir, "pg"), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}
