package app

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/internal/store"
	"overdue/internal/store/storetest"
)

// listedHeartbeats is the number of heartbeats of the test of query plans.
const listedHeartbeats = 100_000

// maxRowsOfAList is the maximum number of rows that one statement of a list may read: those
// of the incidents that are counted, with their heartbeats.
const maxRowsOfAList = 2*store.MaxCountedIncidents + 100

// TestLists_ReadNoWholeTable requests every list page and API list of a server with 100,000
// heartbeats, and reads the plan of each statement that they run.
func TestLists_ReadNoWholeTable(t *testing.T) {
	for name, address := range storetest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			d := startLoopbackServer(t, address)
			storetest.FillLists(t, address, 1, listedHeartbeats)
			var mu sync.Mutex
			statements := map[string]storetest.Statement{}
			paths := d.listPaths()
			if len(paths) < 40 {
				t.Fatalf("only %d lists: %v", len(paths), paths)
			}
			if loaded := d.get("/heartbeats"); !strings.Contains(loaded, "100,001") {
				t.Errorf("the index does not contain all heartbeats")
			}
			d.engine.db.TraceStatements(func(text string, args []any) {
				mu.Lock()
				defer mu.Unlock()
				if strings.HasPrefix(strings.TrimSpace(text), "SELECT") && !strings.Contains(text, "FOR UPDATE") {
					statements[text] = storetest.Statement{Text: text, Args: args}
				}
			})
			for _, path := range paths {
				if answer := d.get(path); !strings.HasPrefix(answer, "HTTP/1.1 200") && !strings.HasPrefix(answer, "HTTP/1.1 303") {
					t.Errorf("%s: %.200s", path, answer)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			d.engine.db.TraceStatements(func(string, []any) {})
			if len(statements) < 30 {
				t.Fatalf("only %d statements", len(statements))
			}
			for _, found := range storetest.FullScans(t, address, slices.Collect(maps.Values(statements)), maxRowsOfAList) {
				t.Error(found)
			}
		})
	}
}

// get requests a page or an API list as the owner.
func (d *loopbackServer) get(path string) string {
	return d.send(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", path, d.address, d.cookie, d.apiKey), time.Minute)
}

// listPaths returns all pages and API lists whose path has no parameter, and the lists of heartbeats and
// incidents with every filter and order.
func (d *loopbackServer) listPaths() []string {
	d.Helper()
	var all []string
	for _, pattern := range d.requestPatterns() {
		path, isGet := strings.CutPrefix(pattern, "GET /")
		if isGet && !strings.ContainsAny(path, "{$") && !strings.HasPrefix(path, "live/") && path != "nothing" && path != "reset" && !strings.HasPrefix(path, "static/") && !strings.HasSuffix(path, "z") {
			all = append(all, "/"+path)
		}
	}
	for _, query := range []string{
		"status=down", "status=up&q=job", "tag=t7", "tag=t7&tag=t8", "running=1", "sort=name", "sort=due", "sort=last", "sort=created", "sort=slowest",
		"q=job", "q=z", "q=job+99999", "q=" + url.QueryEscape("id-777-0000-0000"), "q=12345678-1234", "q=nothing", "per=all",
	} {
		all = append(all, "/heartbeats?"+query)
		if !strings.Contains(query, "running") && !strings.Contains(query, "per=") {
			all = append(all, "/api/v1/heartbeats?"+query)
		}
	}
	for _, query := range []string{"state=open", "state=acknowledged", "state=resolved", "q=job", "q=nothing", "q=42", "cause=failure"} {
		all = append(all, "/incidents?"+query)
	}
	return append(all, "/api/v1/incidents?state=open", "/api/v1/incidents?state=resolved")
}
