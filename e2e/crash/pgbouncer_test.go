package crash_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"overdue/internal/store/storetest"
)

// newPooler starts PgBouncer in front of PostgreSQL, and returns the address of the
// database through it.
func newPooler(t *testing.T, database *storetest.Postgres, settings ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pooler")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // in the directory of temporary files
	host, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	lines := append([]string{
		"[databases]", fmt.Sprintf("* = host=%s port=5432 user=overdue", database.Dir()),
		"[pgbouncer]", "auth_type = any", "unix_socket_dir =", "listen_addr = " + host, "listen_port = " + port,
	}, settings...)
	config := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(config, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{config}
	if os.Geteuid() == 0 { // PgBouncer does not run as root
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-u", "postgres")
	}
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // not in every PATH
	}
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatalf("PgBouncer: %v; `make test` installs it", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // returns that it was killed
	})
	waitUntil(t, 10*time.Second, "PgBouncer listens", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
		return err == nil && conn.Close() == nil
	})
	return "postgres://overdue@" + net.JoinHostPort(host, port) + "/postgres?sslmode=disable"
}

// startError starts a server that must fail to start, and returns its error.
func startError(t *testing.T, database string) string {
	t.Helper()
	s := newServer(t, database)
	s.start(t)
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		t.Fatal("the server starts; want an error")
	}
	return s.logTail()
}

// ignoredParameters are the startup parameters that PgBouncer must ignore.
const ignoredParameters = "ignore_startup_parameters = lock_timeout, idle_in_transaction_session_timeout, synchronous_commit"

func TestPgBouncer_StoresEveryPingOrNamesTheSettingAtStart(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	for _, c := range []struct{ name, address, want string }{
		{"as shipped", newPooler(t, database), ignoredParameters},
		{"transactions, exec", newPooler(t, database, "pool_mode = transaction", ignoredParameters) + "&default_query_exec_mode=exec", "default_query_exec_mode=cache_describe"},
		{"transactions, simple protocol", newPooler(t, database, "pool_mode = transaction", ignoredParameters) + "&default_query_exec_mode=simple_protocol", "default_query_exec_mode=cache_describe"},
		{"transactions", newPooler(t, database, "pool_mode = transaction", ignoredParameters), "default_query_exec_mode=cache_describe"},
		{"transactions, describe_exec", newPooler(t, database, "pool_mode = transaction", ignoredParameters) + "&default_query_exec_mode=describe_exec", "default_query_exec_mode=cache_describe"},
		{"sessions, of which there are few", newPooler(t, database, "pool_mode = session", "default_pool_size = 4", ignoredParameters), "4 of the 13 connections"},
	} {
		if said := startError(t, c.address); !strings.Contains(said, c.want) {
			t.Errorf("%s: %s; want %q in it", c.name, said, c.want)
		}
	}
	for name, address := range map[string]string{
		"session":     newPooler(t, database, "pool_mode = session", ignoredParameters),
		"transaction": newPooler(t, database, "pool_mode = transaction", ignoredParameters) + "&default_query_exec_mode=cache_describe",
	} {
		s := newServer(t, address)
		s.startReady(t)
		h := createHeartbeats(t, s.api(), name, 1, longInterval)[0]
		for n := range 200 {
			resp, err := http.Post("http://"+s.address+"/api/v1/hb/"+*h.ID, "", strings.NewReader("done"))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close() // only the status counts
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: ping %d was answered %d", name, n, resp.StatusCode)
			}
		}
		if got := historyOf(t, s.api(), *h.ID); len(got.pings) != 200 {
			t.Errorf("%s: %d pings are stored; want 200", name, len(got.pings))
		}
		s.stop(t)
	}
}
