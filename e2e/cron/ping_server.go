//go:build linux

package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// pingServer is an API that accepts any heartbeat and counts the ends of runs.
type pingServer struct {
	*httptest.Server
	mu    sync.Mutex
	slugs map[string]string // by the end of the id
	ends  map[string]int    // by slug
	runs  map[string]bool   // whose end has arrived: a repeated ping counts once
}

func newPingServer() *pingServer {
	m := &pingServer{slugs: map[string]string{}, ends: map[string]int{}, runs: map[string]bool{}}
	m.Server = httptest.NewUnstartedServer(http.HandlerFunc(m.serveHTTP)) // the handler uses the address
	m.Start()
	return m
}

func (m *pingServer) serveHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the outcome is in the path
	m.mu.Lock()
	defer m.mu.Unlock()
	if id, ok := strings.CutPrefix(r.URL.Path, "/api/v1/hb/"); ok {
		id, what, _ := strings.Cut(id, "/")
		run := r.URL.Query().Get("rid")
		if what != "start" && !m.runs[run] {
			m.ends[m.slugs[id]]++
			m.runs[run] = run != "" // curl sends no run id
		}
		_, _ = io.WriteString(w, "OK") // any other response makes the client repeat a ping with output
		return
	}
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, `{"items":[],"next_cursor":null}`)
		return
	}
	slug := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(slug))
	id := fmt.Sprintf("0c1d8f0e-7d5b-4c55-9a0b-0000%08x", sum.Sum32())
	m.slugs[id] = slug
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"slug":%q,"ping_url":"%s/api/v1/hb/%s"}`, slug, m.URL, id)
}

// pingCounts returns how often each edited job reported its end.
func (m *pingServer) pingCounts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]int{}
	for slug, n := range m.ends {
		all[slug] = n
	}
	return all
}

// discoverAndEdit runs "overdue discover --edit" on a machine, and returns its output.
func (m *pingServer) discoverAndEdit(ctx context.Context, overdue string, w *testMachine, with string, old bool) (string, error) {
	args := []string{"discover", "--root", w.root, "--host", "h", "--all-users", "--program", overdue, "--with", with, "--edit", "--yes"}
	if !old {
		args = append(args, "--backup-dir", filepath.Join(filepath.Dir(w.logDir), "copies"))
	}
	cmd := exec.CommandContext(ctx, overdue, args...)
	cmd.Env = append(os.Environ(), "OVERDUE_URL="+m.URL, "OVERDUE_API_KEY=ovd_k")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("edit: %w: %s", err, out)
	}
	return string(out), nil
}
