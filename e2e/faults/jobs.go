package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The jobs of a scenario.
const (
	intervalJobs = 250
	cronJobs     = 50
	deadJobs     = 10
	retries      = 5 // as curl --retry 5: after 1, 2, 4, 8 and 16 s
)

// job pings its heartbeat, as a real one would with `curl -m 10 --retry 5`.
type job struct {
	name     string
	id       string
	interval time.Duration // of a cron job: a minute
	grace    time.Duration
	cron     bool
	dies     bool         // when the fault begins
	stored   atomic.Int64 // pings that were answered with 200
	lastPing atomic.Int64 // when the last one was answered, in ns since 1970

	mu       sync.Mutex
	attempts []attempt
}

// attempt is one request of a job.
type attempt struct {
	due, sent, answered time.Time // due: when the run was to end
	status              int       // 0 for none
}

// recordAttempt remembers a request.
func (j *job) recordAttempt(a attempt) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.attempts = append(j.attempts, a)
}

// history describes the requests of a job in the time before an alert.
func (j *job) history(opened time.Time) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var text strings.Builder
	for _, a := range j.attempts {
		if from := opened.Sub(a.sent); from < -10*time.Second || from > 2*(j.interval+j.grace) {
			continue
		}
		fmt.Fprintf(&text, "\n    due %s, sent after %.1f s, answered %d after %.1f s", a.due.Format("15:04:05.0"),
			a.sent.Sub(a.due).Seconds(), a.status, a.answered.Sub(a.sent).Seconds())
	}
	return text.String()
}

// newJobs returns the jobs, with intervals from 5 to 60 s.
func newJobs() []*job {
	intervals := []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute}
	var all []*job
	for n := range intervalJobs + deadJobs {
		j := &job{interval: intervals[n%len(intervals)], grace: []time.Duration{5 * time.Second, 10 * time.Second}[n%2], dies: n >= intervalJobs}
		j.name = fmt.Sprintf("every %s, number %d", j.interval, n)
		all = append(all, j)
	}
	for n := range cronJobs {
		all = append(all, &job{name: fmt.Sprintf("cron %d", n), interval: time.Minute, grace: 10 * time.Second, cron: true})
	}
	return all
}

// crowd runs all jobs.
type crowd struct {
	jobs    []*job
	target  string      // address of the server or the balancer
	died    atomic.Bool // jobs that die have died
	running sync.WaitGroup
	answers sync.Map // status of a response to *atomic.Int64; 0 for no response
}

// start starts all jobs; they run until ctx ends.
func (c *crowd) start(ctx context.Context) {
	for _, j := range c.jobs {
		c.running.Go(func() { c.run(ctx, j) })
	}
}

// run pings until ctx ends or the job dies.
func (c *crowd) run(ctx context.Context, j *job) {
	next := time.Now().Add(time.Duration(rand.Int64N(int64(5 * time.Second))))
	for {
		if j.cron {
			next = time.Now().Truncate(time.Minute).Add(time.Minute + time.Duration(rand.Int64N(int64(3*time.Second))))
		}
		if !sleepUntil(ctx, next) || j.dies && c.died.Load() {
			return
		}
		due := next
		c.running.Go(func() { c.ping(ctx, j, due) })
		next = next.Add(j.interval)
	}
}

// ping pings until it is answered with 200, at most six times.
func (c *crowd) ping(ctx context.Context, j *job, due time.Time) {
	wait := time.Second
	for n := range retries + 1 {
		sent := time.Now()
		status := post(ctx, "http://"+c.target+"/api/v1/hb/"+j.id)
		j.recordAttempt(attempt{due, sent, time.Now(), status})
		counter, _ := c.answers.LoadOrStore(status, &atomic.Int64{})
		counter.(*atomic.Int64).Add(1)
		if status == http.StatusOK {
			j.stored.Add(1)
			j.lastPing.Store(time.Now().UnixNano())
			return
		}
		if n == retries || !sleepUntil(ctx, time.Now().Add(wait)) {
			return
		}
		wait *= 2
	}
}

// summary returns the number of responses of each status.
func (c *crowd) summary() string {
	counts := map[int]int64{}
	c.answers.Range(func(status, counter any) bool {
		counts[status.(int)] = counter.(*atomic.Int64).Load()
		return true
	})
	return fmt.Sprint(counts)
}

// post sends one ping on a new connection, and returns the status, 0 for none.
func post(ctx context.Context, url string) int {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		panic(err) // the addresses are ours
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body) // only the status counts
	_ = resp.Body.Close()
	return resp.StatusCode
}

// sleepUntil waits until t, and reports whether ctx is still running.
func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
