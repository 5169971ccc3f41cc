// Package e2e_test drives the real binary from outside.
package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"overdue/e2e/binary"
)

// binDir holds the binary that all tests of this package run.
var binDir string

func TestMain(m *testing.M) {
	os.Exit(binary.With(func(path string) int {
		binDir = filepath.Dir(path)
		return m.Run()
	}))
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", binDir+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("ID", "0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fakemonitor": fakeMonitor,
			"fakehook":    fakeHook,
			"server":      startServer,
			"waitfor":     waitFor,
		},
	})
}

// fakeMonitor starts a monitor for one script: "fakemonitor ok", "fakemonitor
// busy 2" (503 twice, then ok), "fakemonitor hang", "fakemonitor dead", or
// "fakemonitor api", a server with one heartbeat. It sets OVERDUE_URL and writes each
// ping to the file pings as a line "/start run=1 body=…". Runs are numbered in the
// order in which they appear.
func fakeMonitor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fakemonitor ok|busy N|hang|dead|api")
	}
	f := &fake{file: ts.MkAbs("pings"), mode: args[0], gone: make(chan struct{})}
	if f.mode == "busy" {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		f.busy = n
	}
	ts.Check(os.WriteFile(f.file, nil, 0o600))
	srv := httptest.NewServer(f)
	ts.Setenv("OVERDUE_URL", srv.URL)
	if f.mode == "dead" {
		srv.Close()
		return
	}
	ts.Defer(func() {
		close(f.gone)
		srv.CloseClientConnections()
		srv.Close()
	})
}

type fake struct {
	file, mode string
	gone       chan struct{} // closed at the end of the script

	mu   sync.Mutex
	busy int
	runs []string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a read error makes the body too short, which the test detects
	f.mu.Lock()
	busy := f.busy > 0
	f.busy--
	f.write(r, body)
	f.mu.Unlock()
	switch {
	case f.mode == "hang":
		<-f.gone
	case f.mode == "api" && r.Method == "PUT":
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(w, `{"slug":"x","ping_url":"http://%s/api/v1/hb/0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"}`, r.Host)
	case f.mode == "api" && strings.HasSuffix(r.URL.Path, "/heartbeats"):
		_, _ = io.WriteString(w, `{"items":[{"id":"x","slug":"backup","name":"Backup"}],"next_cursor":null}`)
	case f.mode == "api":
		_, _ = io.WriteString(w, `{"id":"x","slug":"backup","name":"Backup"}`)
	case busy:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		_, _ = io.WriteString(w, "OK\n") // the client may have left
	}
}

func (f *fake) write(r *http.Request, body []byte) {
	_, signal, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/hb/"), "/")
	line := r.Method + " /" + signal
	if rid := r.URL.Query().Get("rid"); rid != "" {
		if !slices.Contains(f.runs, rid) {
			f.runs = append(f.runs, rid)
		}
		line += fmt.Sprintf(" run=%d", slices.Index(f.runs, rid)+1)
	}
	if len(body) > 0 {
		line += fmt.Sprintf(" body=%q", body[max(0, len(body)-200):])
	}
	file, err := os.OpenFile(f.file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(file, line)
		_ = file.Close()
	}
	if err != nil {
		panic(err) // a script must not pass because nothing could be written
	}
}

// fakeHook starts a receiver of webhooks that answers with a status, and sets HOOK to
// its address: "fakehook 410".
func fakeHook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fakehook STATUS")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	ts.Defer(srv.Close)
	ts.Setenv("HOOK", srv.URL)
}

// startServer starts a real server with an empty database and more flags: "server", "server --exec-dir DIR". It sets OVERDUE_URL,
// OVERDUE_DATABASE and OVERDUE_API_KEY for the rest of the script.
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: server [FLAG...]")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	address := listener.Addr().String()
	ts.Check(listener.Close())
	database := ts.MkAbs("server.db")
	program := filepath.Join(binDir, "overdue")
	log, err := os.Create(ts.MkAbs("server.log"))
	ts.Check(err)
	serve := exec.Command(program, slices.Concat([]string{"serve", "--listen", address, "--database", database, "--allow-private-networks"}, args)...)
	serve.Stdout, serve.Stderr = log, log
	ts.Check(serve.Start())
	ts.Defer(func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
		_ = log.Close()
	})
	ready := exec.Command("timeout", "30", "sh", "-c", `until curl -fsS -o /dev/null "$1/readyz" 2>/dev/null; do sleep 0.05; done`, "sh", "http://"+address)
	if err := ready.Run(); err != nil {
		ts.Fatalf("server not ready: %v\n%s", err, ts.ReadFile("server.log"))
	}
	key, err := exec.Command(program, "api-key", "create", "--name", "script", "--database", database).Output()
	ts.Check(err)
	ts.Setenv("OVERDUE_URL", "http://"+address)
	ts.Setenv("OVERDUE_DATABASE", database)
	ts.Setenv("OVERDUE_API_KEY", strings.TrimSpace(string(key)))
}

// waitFor waits until a file contains a text: "waitfor pings /start".
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor FILE TEXT")
	}
	script := `until grep -qF -- "$2" "$1" 2>/dev/null; do sleep 0.02; done`
	wait := exec.Command("timeout", "20", "sh", "-c", script, "sh", ts.MkAbs(args[0]), args[1])
	if err := wait.Run(); err != nil {
		ts.Fatalf("%s never said %q", args[0], args[1])
	}
}
