package crash_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"overdue/client"
)

// requestResult is the result of one request.
type requestResult struct {
	target string // ping, page, api or readyz
	status int    // 0: no response
	sent   time.Time
	took   time.Duration
}

// continuousClients is a set of clients that send requests continuously.
type continuousClients struct {
	s       *server
	cancel  context.CancelFunc
	clients sync.WaitGroup

	mu      sync.Mutex
	results []requestResult
}

// startClients starts 20 jobs, and one client each for pages, API and /readyz.
func startClients(t *testing.T, s *server, heartbeats []client.Heartbeat) *continuousClients {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a := &continuousClients{s: s, cancel: cancel}
	for n := range 20 {
		path := "/api/v1/hb/" + *heartbeats[n%len(heartbeats)].ID
		a.clients.Go(func() { a.sendRequests(ctx, "ping", path, 50*time.Millisecond) })
	}
	a.clients.Go(func() { a.sendRequests(ctx, "page", "/sign-in", 200*time.Millisecond) })
	a.clients.Go(func() { a.sendRequests(ctx, "api", "/api/v1/heartbeats", 200*time.Millisecond) })
	a.clients.Go(func() { a.sendRequests(ctx, "readyz", "/readyz", 100*time.Millisecond) })
	t.Cleanup(a.stop)
	return a
}

// stop lets every client finish its request.
func (a *continuousClients) stop() {
	a.cancel()
	a.clients.Wait()
}

// sendRequests sends one request after another until ctx ends.
func (a *continuousClients) sendRequests(ctx context.Context, what, path string, pause time.Duration) {
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for sleep(ctx, pause) {
		r, err := http.NewRequest(http.MethodGet, "http://"+a.s.address+path, nil)
		if err != nil {
			panic(err) // the paths are constants
		}
		r.Header.Set("Authorization", "Bearer "+a.s.key)
		got := requestResult{target: what, sent: time.Now()}
		if resp, err := c.Do(r); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body) // only the status counts
			_ = resp.Body.Close()
			got.status = resp.StatusCode
		}
		got.took = time.Since(got.sent)
		a.mu.Lock()
		a.results = append(a.results, got)
		a.mu.Unlock()
	}
}

// resultsBetween returns the results of the requests that were sent in a period.
func (a *continuousClients) resultsBetween(what string, from, to time.Time) []requestResult {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []requestResult
	for _, got := range a.results {
		if got.target == what && !got.sent.Before(from) && got.sent.Before(to) {
			found = append(found, got)
		}
	}
	return found
}

// summarize returns the number of responses of each status, and the quantiles of
// their latency.
func summarize(answers []requestResult) string {
	statuses := map[int]int{}
	var took []time.Duration
	for _, got := range answers {
		statuses[got.status]++
		took = append(took, got.took)
	}
	if len(took) == 0 {
		return "none"
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(time.Millisecond / 10) }
	return fmt.Sprintf("%v, p50 %s, p99 %s, max %s", statuses, at(0.5), at(0.99), at(1))
}

// slowest returns the result with the highest latency.
func slowest(answers []requestResult) (worst requestResult) {
	for _, got := range answers {
		if got.took > worst.took {
			worst = got
		}
	}
	return worst
}

// openFiles counts the files and sockets of the server.
func (s *server) openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(s.cmd.Process.Pid), "fd"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// metric returns the value of a metric without labels.
func (s *server) metric(t *testing.T, name string) string {
	t.Helper()
	resp, err := http.Get("http://" + s.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// outageLength is the duration for which the database does not respond.
var outageLength = flag.Duration("half-open", 15*time.Second, "how long the database does not respond")

// Limits while the database does not respond. They allow for a busy machine, but are
// shorter than the outage: no request may wait until it ends.
const (
	maxFirstResponse = 3 * time.Second // of pings that arrived before the circuit opened
	circuitOpenAfter = 3 * time.Second // after that, all requests are answered at once
	maxRejectionTime = 2500 * time.Millisecond
	maxPageTime      = 5 * time.Second
	maxRecoveryTime  = 3 * time.Second
)

// checkUnresponsiveDatabase checks the responses of a server while its database does
// not respond, and afterwards.
func checkUnresponsiveDatabase(t *testing.T, s *server, stop, resume func() error) {
	s.startReady(t)
	heartbeats := createHeartbeats(t, s.api(), "busy", 20, longInterval)
	alerts := newReceiver(t, s.api())
	a := startClients(t, s, heartbeats)
	sleep(t.Context(), 2*time.Second)
	before := s.openFiles(t)
	t.Logf("before: %d files, %s goroutines", before, s.metric(t, "go_goroutines"))
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	sleep(t.Context(), *outageLength)
	during := s.openFiles(t)
	t.Logf("during: %d files, %s goroutines", during, s.metric(t, "go_goroutines"))
	resumed := time.Now()
	if err := resume(); err != nil {
		t.Fatal(err)
	}
	back := time.Now() // a killed PostgreSQL recovers for seconds before it answers
	waitUntil(t, maxRecoveryTime, "an alert after the database's return", func() bool {
		if resp, err := http.Post("http://"+s.address+"/api/v1/hb/"+*heartbeats[0].ID+"/fail", "", nil); err == nil {
			_ = resp.Body.Close() // 503 at first
		}
		return len(alerts.all()) > 0
	})
	t.Logf("first alert after %s", time.Since(back))
	sleep(t.Context(), maxRecoveryTime)
	a.stop()
	for _, what := range []string{"ping", "page", "api", "readyz"} {
		t.Logf("%s, until answered at once: %s", what, summarize(a.resultsBetween(what, began, began.Add(circuitOpenAfter))))
		t.Logf("%s, then: %s", what, summarize(a.resultsBetween(what, began.Add(circuitOpenAfter), resumed)))
		t.Logf("%s, back: %s; 200 after %s", what, summarize(a.resultsBetween(what, back, time.Now())), a.firstOK(what, back))
	}
	a.check(t, began, resumed, back)
	a.verifyStored(t, heartbeats)
	if during > before+100 {
		t.Errorf("%d files were open before, %d during; want a bounded number", before, during)
	}
	s.stop(t)
}

// firstOK returns the time until the first 200 response to a request that was sent
// after from.
func (a *continuousClients) firstOK(what string, from time.Time) time.Duration {
	for _, got := range a.resultsBetween(what, from, time.Now()) {
		if got.status == http.StatusOK {
			return got.sent.Add(got.took).Sub(from)
		}
	}
	return time.Hour
}

// check compares the latency and status of the responses with the limits. The database
// did not respond from began to resumed, and it responds since back.
func (a *continuousClients) check(t *testing.T, began, resumed, back time.Time) {
	t.Helper()
	if worst := slowest(a.resultsBetween("ping", began, resumed)); worst.took > maxFirstResponse {
		t.Errorf("a ping was answered %d after %s", worst.status, worst.took)
	}
	late := a.resultsBetween("ping", began.Add(circuitOpenAfter), resumed)
	if len(late) < 50 {
		t.Errorf("only %d pings were sent while the circuit was open", len(late))
	}
	for _, got := range late {
		if got.status != http.StatusServiceUnavailable || got.took > maxRejectionTime {
			t.Errorf("a ping was answered %d after %s; want 503 at once", got.status, got.took)
			break
		}
	}
	for _, what := range []string{"page", "api", "readyz"} {
		if worst := slowest(a.resultsBetween(what, began, resumed)); worst.took > maxPageTime || worst.status == 0 {
			t.Errorf("%s: answered %d after %s", what, worst.status, worst.took)
		}
	}
	for _, what := range []string{"ping", "page", "api", "readyz"} {
		if after := a.firstOK(what, back); after > maxRecoveryTime {
			t.Errorf("%s: not 200 within %s of the database's return", what, maxRecoveryTime)
		}
	}
}

// verifyStored checks that every ping that was answered 200 is stored. Other pings may
// be stored too, because their clients were asked to retry.
func (a *continuousClients) verifyStored(t *testing.T, heartbeats []client.Heartbeat) {
	t.Helper()
	acknowledged := int64(0)
	for _, got := range a.resultsBetween("ping", time.Time{}, time.Now()) {
		if got.status == http.StatusOK {
			acknowledged++
		}
	}
	stored := int64(0)
	for _, h := range heartbeats {
		now, err := a.s.api().Heartbeat(t.Context(), *h.ID)
		if err != nil {
			t.Fatal(err)
		}
		stored += now.PingsCount
	}
	t.Logf("%d pings acknowledged, %d stored", acknowledged, stored)
	if stored < acknowledged {
		t.Errorf("%d pings were acknowledged, %d are stored", acknowledged, stored)
	}
}

func TestHalfOpen_AFrozenPostgreSQLBlocksNoRequest(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	t.Cleanup(func() {
		if err := database.Thaw(); err != nil { // a frozen process cannot be stopped
			t.Error(err)
		}
	})
	checkUnresponsiveDatabase(t, newServer(t, database.Address()), database.Freeze, database.Thaw)
}

func TestHalfOpen_AKilledPostgreSQLBlocksNoRequest(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	checkUnresponsiveDatabase(t, newServer(t, database.Address()), database.Kill, database.Start)
}

func TestHalfOpen_ANetworkThatDropsAllPacketsBlocksNoRequest(t *testing.T) {
	t.Parallel()
	p := newProxy(t, newPostgres(t).Socket())
	drop := func(on bool) func() error {
		return func() error { p.dropping.Store(on); return nil }
	}
	checkUnresponsiveDatabase(t, newServer(t, p.address()), drop(true), drop(false))
}
