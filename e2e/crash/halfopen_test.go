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

// reply is the result of one request.
type reply struct {
	what   string // ping, page, api or readyz
	status int    // 0: no response
	sent   time.Time
	took   time.Duration
}

// asking is a set of clients that send requests continuously.
type asking struct {
	s       *server
	cancel  context.CancelFunc
	clients sync.WaitGroup

	mu      sync.Mutex
	answers []reply
}

// startAsking starts 20 jobs, and one client each for pages, API and /readyz.
func startAsking(t *testing.T, s *server, heartbeats []client.Heartbeat) *asking {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a := &asking{s: s, cancel: cancel}
	for n := range 20 {
		path := "/api/v1/hb/" + *heartbeats[n%len(heartbeats)].ID
		a.clients.Go(func() { a.ask(ctx, "ping", path, 50*time.Millisecond) })
	}
	a.clients.Go(func() { a.ask(ctx, "page", "/sign-in", 200*time.Millisecond) })
	a.clients.Go(func() { a.ask(ctx, "api", "/api/v1/heartbeats", 200*time.Millisecond) })
	a.clients.Go(func() { a.ask(ctx, "readyz", "/readyz", 100*time.Millisecond) })
	t.Cleanup(a.stop)
	return a
}

// stop lets every client finish its request.
func (a *asking) stop() {
	a.cancel()
	a.clients.Wait()
}

// ask sends one request after another until ctx ends.
func (a *asking) ask(ctx context.Context, what, path string, pause time.Duration) {
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for rest(ctx, pause) {
		r, err := http.NewRequest(http.MethodGet, "http://"+a.s.address+path, nil)
		if err != nil {
			panic(err) // the paths are fine
		}
		r.Header.Set("Authorization", "Bearer "+a.s.key)
		got := reply{what: what, sent: time.Now()}
		if resp, err := c.Do(r); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body) // only the status counts
			_ = resp.Body.Close()
			got.status = resp.StatusCode
		}
		got.took = time.Since(got.sent)
		a.mu.Lock()
		a.answers = append(a.answers, got)
		a.mu.Unlock()
	}
}

// between returns the results of the requests that were sent in a period.
func (a *asking) between(what string, from, to time.Time) []reply {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []reply
	for _, got := range a.answers {
		if got.what == what && !got.sent.Before(from) && got.sent.Before(to) {
			found = append(found, got)
		}
	}
	return found
}

// figures describes answers: how many of each status, and how long they took.
func figures(answers []reply) string {
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

// slowest returns the one that took longest.
func slowest(answers []reply) (worst reply) {
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

// metric reads one figure of /metrics without labels.
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

// halfOpenFor is how long the database gives no answer.
var halfOpenFor = flag.Duration("half-open", 15*time.Second, "how long the database gives no answer")

// Bounds of a half-open database. They are generous: a busy machine may take
// its time, but nothing may wait for as long as the database is away.
const (
	firstAnswer    = 8 * time.Second // pings that came before the circuit opened
	settledAfter   = 9 * time.Second // from then on, all are answered at once
	answeredAtOnce = 2 * time.Second
	longestPage    = 8 * time.Second
	backWithin     = 5 * time.Second
)

// halfOpen runs a server while its database gives no answer for a while.
func halfOpen(t *testing.T, s *server, stop, goOn func() error) {
	s.startReady(t)
	heartbeats := makeHeartbeats(t, s.api(), "busy", 20, seldom)
	alerts := newReceiver(t, s.api())
	a := startAsking(t, s, heartbeats)
	rest(t.Context(), 2*time.Second)
	before := s.openFiles(t)
	t.Logf("before: %d files, %s goroutines", before, s.metric(t, "go_goroutines"))
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	rest(t.Context(), *halfOpenFor)
	during := s.openFiles(t)
	t.Logf("during: %d files, %s goroutines", during, s.metric(t, "go_goroutines"))
	back := time.Now()
	if err := goOn(); err != nil {
		t.Fatal(err)
	}
	await(t, backWithin, "an alert after the database's return", func() bool {
		if resp, err := http.Post("http://"+s.address+"/api/v1/hb/"+*heartbeats[0].ID+"/fail", "", nil); err == nil {
			_ = resp.Body.Close() // 503 at first
		}
		return len(alerts.all()) > 0
	})
	t.Logf("first alert after %s", time.Since(back))
	rest(t.Context(), backWithin)
	a.stop()
	for _, what := range []string{"ping", "page", "api", "readyz"} {
		t.Logf("%s, until answered at once: %s", what, figures(a.between(what, began, began.Add(settledAfter))))
		t.Logf("%s, then: %s", what, figures(a.between(what, began.Add(settledAfter), back)))
		t.Logf("%s, back: %s; 200 after %s", what, figures(a.between(what, back, time.Now())), a.firstOK(what, back))
	}
	a.check(t, began, back)
	a.verifyStored(t, heartbeats)
	if during > before+100 {
		t.Errorf("%d files were open before, %d during; want a bounded number", before, during)
	}
	s.stop(t)
}

// firstOK returns the time from a moment to the first 200 response of a request that
// was sent after the moment.
func (a *asking) firstOK(what string, from time.Time) time.Duration {
	for _, got := range a.between(what, from, time.Now()) {
		if got.status == http.StatusOK {
			return got.sent.Add(got.took).Sub(from)
		}
	}
	return time.Hour
}

// check compares the responses with the promises.
func (a *asking) check(t *testing.T, began, back time.Time) {
	t.Helper()
	if worst := slowest(a.between("ping", began, back)); worst.took > firstAnswer {
		t.Errorf("a ping was answered %d after %s", worst.status, worst.took)
	}
	late := a.between("ping", began.Add(settledAfter), back)
	if len(late) < 50 {
		t.Errorf("only %d pings came while the circuit was open", len(late))
	}
	for _, got := range late {
		if got.status != http.StatusServiceUnavailable || got.took > answeredAtOnce {
			t.Errorf("a ping was answered %d after %s; want 503 at once", got.status, got.took)
			break
		}
	}
	for _, what := range []string{"page", "api", "readyz"} {
		if worst := slowest(a.between(what, began, back)); worst.took > longestPage || worst.status == 0 {
			t.Errorf("%s: answered %d after %s", what, worst.status, worst.took)
		}
	}
	for _, what := range []string{"ping", "page", "api", "readyz"} {
		if after := a.firstOK(what, back); after > backWithin {
			t.Errorf("%s: not 200 within %s of the database's return", what, backWithin)
		}
	}
}

// verifyStored checks that every ping that was answered 200 is stored. Others may
// be too: their senders were asked to send them again.
func (a *asking) verifyStored(t *testing.T, heartbeats []client.Heartbeat) {
	t.Helper()
	acknowledged := int64(0)
	for _, got := range a.between("ping", time.Time{}, time.Now()) {
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

func TestHalfOpen_AFrozenPostgreSQLHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	t.Cleanup(func() {
		if err := database.Thaw(); err != nil { // or it could not be stopped
			t.Error(err)
		}
	})
	halfOpen(t, newServer(t, database.Address()), database.Freeze, database.Thaw)
}

func TestHalfOpen_APostgreSQLThatIsGoneHoldsNobodyUpEither(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	halfOpen(t, newServer(t, database.Address()), database.Kill, database.Start)
}

func TestHalfOpen_ANetworkThatSwallowsEverythingHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	p := newProxy(t, newPostgres(t).Socket())
	swallow := func(on bool) func() error {
		return func() error { p.swallowing.Store(on); return nil }
	}
	halfOpen(t, newServer(t, p.address()), swallow(true), swallow(false))
}
