// Package snippets_test runs the code that the pages and the manual print.
//
// It is the only place that starts the shells and languages for which Overdue
// prints code. Each piece is taken from package snippet and changed in three ways
// only: the path of the job, the ping URL and, to wait less where no server
// is, the number of attempts.
package snippets_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const heartbeatPath = "/api/v1/hb/0c1d8f0e-7d5b-4c55-9a0b-6a8f5a5e3c11"

// ping is a ping that a server received.
type ping struct{ signal, rid, body string }

// server accepts pings like Overdue. If it restarts, its port is closed first, and
// then it closes a connection without an answer, as a server that stops does.
type server struct {
	url    string
	socket int // bound to the port
	file   *os.File
	closes int // connections that it closes without an answer

	mu      sync.Mutex
	pings   []ping
	answers []string // to what it did not accept
}

// newServer reserves a port. Until start, it rejects connections, and no other
// process gets the port.
func newServer(t *testing.T) *server {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(socket), "reserved port")
	t.Cleanup(func() { _ = file.Close() }) // nothing was written
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*syscall.SockaddrInet4).Port
	return &server{url: fmt.Sprintf("http://127.0.0.1:%d%s", port, heartbeatPath), socket: socket, file: file}
}

// start lets the server answer until the end of the test.
func (s *server) start(t *testing.T) {
	t.Helper()
	if err := syscall.Listen(s.socket, 128); err != nil {
		t.Error(err)
		return
	}
	listener, err := net.FileListener(s.file)
	if err != nil {
		t.Error(err)
		return
	}
	web := &http.Server{Handler: s, ReadTimeout: 10 * time.Second}
	t.Cleanup(func() { _ = web.Close() }) // its connections are no longer needed
	go func() { _ = web.Serve(listener) }()
}

var (
	signals = regexp.MustCompile(`^(|/start|/fail|/log|/\d{1,3})$`)
	runID   = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if s.closes > 0 || err != nil {
		s.closes--
		panic(http.ErrAbortHandler)
	}
	signal, found := strings.CutPrefix(r.URL.Path, heartbeatPath)
	rid, paired := r.URL.Query()["rid"]
	if !found || !signals.MatchString(signal) || r.Method != http.MethodPost || paired && !runID.MatchString(rid[0]) {
		s.answers = append(s.answers, r.Method+" "+r.URL.String())
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	p := ping{signal: signal, body: string(body)}
	if paired {
		p.rid = rid[0]
	}
	s.pings = append(s.pings, p)
	_, _ = io.WriteString(w, "OK\n") // the client may be gone
}

// check compares the signals that arrived with those expected.
func (s *server) check(t *testing.T, want []string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []string
	for _, p := range s.pings {
		got = append(got, p.signal)
		if p.rid != s.pings[0].rid {
			t.Errorf("run ids %q and %q in one run", s.pings[0].rid, p.rid)
		}
	}
	if !slices.Equal(got, want) || len(s.answers) > 0 {
		t.Errorf("pings %q, rejected %q; want pings %q", got, s.answers, want)
	}
}

func (p ping) String() string { return fmt.Sprintf("%s rid=%s %q", p.signal, p.rid, p.body) }

// last is the last ping that arrived, or the zero ping.
func (s *server) last() ping {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pings) == 0 {
		return ping{}
	}
	return s.pings[len(s.pings)-1]
}
