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

// server is the real binary on one database, started and ended at will.
type server struct {
	database string
	address  string   // host and port; the same for every start
	base     string   // as --public-url, which marks its alerts
	key      string   // made at the first start
	log      string   // file that all its starts write to
	wrapper  []string // command that starts the binary, none when empty
	files    int      // that it may open, 0 for the usual
	socket   *os.File // that it inherits, as from systemd; nil to listen itself

	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
}

// newServer prepares a server. It is not started yet, and is killed at the end
// of the test if it runs then.
func newServer(t *testing.T, database string) *server {
	t.Helper()
	address := freeAddress(t)
	s := &server{database: database, address: address, base: "http://" + address, log: filepath.Join(t.TempDir(), "log")}
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

// freeAddress finds a port below those that the system gives to outgoing
// connections: one of them must not take it while the server is down.
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

// command is a start of the server, not begun.
func (s *server) command() *exec.Cmd {
	// The shell becomes the server, so that signals reach it.
	before := ""
	if s.files > 0 {
		before = fmt.Sprintf("ulimit -n %d; ", s.files)
	}
	if s.socket != nil {
		before += "export LISTEN_FDS=1 LISTEN_PID=$$; "
	}
	args := append([]string{"-c", before + `exec "$0" "$@"`}, s.wrapper...)
	args = append(args, binary, "serve", "--database", s.database, "--listen", s.address,
		"--public-url", s.base, "--allow-private-networks", "--log-format", "json", "--log-level", "warn")
	cmd := exec.Command("sh", args...)
	if s.socket != nil {
		cmd.ExtraFiles = []*os.File{s.socket} // the first after the three usual ones
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a test that dies leaves none behind
	return cmd
}

// start starts the process and does not wait until it answers.
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

// running reports whether the process lives.
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

// kill ends the process as the kernel does when memory is short.
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

// stopTimeout is how long a stop in good order may take.
const stopTimeout = 25 * time.Second

// waitForExit waits until a server that received a stop signal has stopped, and returns
// its exit code.
func (s *server) waitForExit(t *testing.T) int {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		t.Fatalf("the server has not stopped within %s", stopTimeout)
	}
	return s.cmd.ProcessState.ExitCode()
}

// stop ends the server in good order.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGTERM)
	if code := s.waitForExit(t); code != 0 {
		t.Errorf("the server stopped with exit code %d", code)
	}
}

// startReady starts the server, waits until it says that it is ready, and the
// first time makes an API key.
func (s *server) startReady(t *testing.T) {
	t.Helper()
	s.start(t)
	s.waitForReadyz(t, http.StatusOK, 20*time.Second)
	if s.key == "" {
		s.key = strings.TrimSpace(runOverdue(t, "api-key", "create", "--name", "t", "--database", s.database))
	}
}

// waitForReadyz waits until /readyz answers with a status, and returns what it
// says then.
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

// readyz asks whether the server is ready; 0 means that it does not answer.
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

// api calls the server's API.
func (s *server) api() *client.Client { return client.New("http://"+s.address, s.key) }

// logTail is the end of the log.
func (s *server) logTail() string {
	log, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-3000):])
}

// waitUntil waits until something is so.
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

// sqliteFile is a database file that does not exist yet.
func sqliteFile(t *testing.T) string { return filepath.Join(t.TempDir(), "overdue.db") }

// newPostgres starts a PostgreSQL that syncs to disk. It does not use a directory of
// package testing, because the user that PostgreSQL runs as cannot enter those.
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
