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
	address, _, _ := newRestartablePooler(t, database, settings...)
	return address
}

// newRestartablePooler is newPooler with functions that kill PgBouncer and start it again.
func newRestartablePooler(t *testing.T, database *storetest.Postgres, settings ...string) (address string, kill, start func() error) {
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
	var cmd *exec.Cmd
	start = func() error {
		cmd = exec.Command(program, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd.Start()
	}
	kill = func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait() // returns that it was killed
		return err
	}
	if err := start(); err != nil {
		t.Fatalf("PgBouncer: %v; `make test` installs it", err)
	}
	t.Cleanup(func() { _ = kill() })
	waitUntil(t, 10*time.Second, "PgBouncer listens", func() bool {
		conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
		return err == nil && conn.Close() == nil
	})
	return "postgres://overdue@" + net.JoinHostPort(host, port) + "/postgres?sslmode=disable", kill, start
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

func TestPgBouncer_StoresEveryPingOrNamesTheSettingAtStart(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	for _, c := range []struct{ name, address, want string }{
		{"statements", newPooler(t, database, "pool_mode = statement"), "pool_mode = transaction"},
		{"sessions, of which there are few", newPooler(t, database, "pool_mode = session", "default_pool_size = 4"), "4 of the 13 connections"},
		{"a setting of the address", newPooler(t, database, "pool_mode = transaction") + "&search_path=public", "ALTER ROLE"},
	} {
		if said := startError(t, c.address); !strings.Contains(said, c.want) {
			t.Errorf("%s: %s; want %q in it", c.name, said, c.want)
		}
	}
	transactions := newPooler(t, database, "pool_mode = transaction")
	for name, address := range map[string]string{
		"as shipped":      newPooler(t, database),
		"transaction":     transactions,
		"exec":            transactions + "&default_query_exec_mode=exec",
		"simple":          transactions + "&default_query_exec_mode=simple_protocol",
		"describe":        transactions + "&default_query_exec_mode=describe_exec",
		"prepared":        transactions + "&default_query_exec_mode=cache_statement",
		"timeouts":        transactions + "&lock_timeout=1s&synchronous_commit=remote_apply",
		"few connections": newPooler(t, database, "pool_mode = transaction", "default_pool_size = 2"),
	} {
		// Two nodes: statements of one must not collide with those of the other.
		s := newServer(t, address)
		s.startReady(t)
		nodes := []*server{s}
		if name != "as shipped" { // its pool of 20 connections serves one node
			nodes = append(nodes, s.secondServer(t))
			nodes[1].startReady(t)
		}
		h := createHeartbeats(t, s.api(), strings.ReplaceAll(name, " ", "-"), 1, longInterval)[0]
		for n := range 200 {
			on := nodes[n%len(nodes)]
			resp, err := http.Post("http://"+on.address+"/api/v1/hb/"+*h.ID, "", strings.NewReader("done"))
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
		for _, node := range nodes {
			node.stop(t)
		}
	}
}

func TestPgBouncer_ARestartLosesNoAcknowledgedPing(t *testing.T) {
	t.Parallel()
	address, kill, start := newRestartablePooler(t, newPostgres(t), "pool_mode = transaction", "server_login_retry = 1")
	checkUnresponsiveDatabase(t, newServer(t, address), kill, start)
}

// TestPgBouncer_AFrozenPostgreSQLBlocksNoRequest: PgBouncer keeps accepting
// connections, and its clients wait for two minutes.
func TestPgBouncer_AFrozenPostgreSQLBlocksNoRequest(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	t.Cleanup(func() {
		if err := database.Thaw(); err != nil {
			t.Error(err)
		}
	})
	checkUnresponsiveDatabase(t, newServer(t, newPooler(t, database, "pool_mode = transaction", "server_login_retry = 1")), database.Freeze, database.Thaw)
}
