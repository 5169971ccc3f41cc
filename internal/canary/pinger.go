package canary

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"overdue/internal/metrics"
)

// How often a failed ping of the watchdog is repeated. All attempts together take less
// than the default interval.
const (
	maxAttempts = 5
	retryDelay  = 5 * time.Second
	pingTimeout = 10 * time.Second
)

// Pinger pings other monitoring services after each arrival of the canary.
type Pinger struct {
	// URLs returns the URLs to ping. They are read for each arrival, so changes take
	// effect without a restart.
	URLs func(ctx context.Context) ([]string, error)
	// Send sends one ping.
	Send func(ctx context.Context, url string) error
	// Record stores the result of a ping, for people; an error is only logged.
	Record  func(ctx context.Context, results map[string]Result) error
	Metrics *metrics.Metrics
	Log     *slog.Logger
	Wake    func() // wakes the loop that calls Run

	mu      sync.Mutex
	arrived bool

	pending  []string        // URLs that were not pinged since the last arrival; only used by Run
	attempts int             // at them; only used by Run
	failing  map[string]bool // URLs whose last ping failed; only used by Run
}

// Result is the result of the last ping to a URL.
type Result struct {
	At        time.Time `json:"at"`
	SentAt    time.Time `json:"sent_at,omitzero"` // of the last successful one
	LastError string    `json:"last_error,omitempty"`
}

// Arrived records that the canary has arrived. It returns at once.
func (w *Pinger) Arrived() {
	w.mu.Lock()
	w.arrived = true
	w.mu.Unlock()
	w.Wake()
}

// takeArrival reports whether the canary has arrived since the last call.
func (w *Pinger) takeArrival() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	arrived := w.arrived
	w.arrived = false
	return arrived
}

// Run pings all URLs after an arrival, and those whose ping failed again. It returns
// how long to wait.
func (w *Pinger) Run(ctx context.Context, now time.Time) (wait time.Duration, err error) {
	if w.takeArrival() {
		urls, err := w.URLs(ctx)
		if err != nil {
			w.Arrived() // the next run reads them again
			return 0, fmt.Errorf("URLs of the watchdog: %w", err)
		}
		w.pending, w.attempts = urls, 0
		if w.failing == nil {
			w.failing = map[string]bool{}
		}
	}
	if len(w.pending) == 0 {
		return time.Minute, nil
	}
	w.attempts++
	w.pending = w.sendAll(ctx, now)
	if len(w.pending) == 0 || w.attempts >= maxAttempts {
		w.pending = nil
		return time.Minute, nil
	}
	return retryDelay, nil
}

// sendAll pings the pending URLs, and returns those that failed.
func (w *Pinger) sendAll(ctx context.Context, now time.Time) (failed []string) {
	var group sync.WaitGroup
	errs := make([]error, len(w.pending))
	for i, u := range w.pending {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, pingTimeout)
			defer cancel()
			errs[i] = w.Send(ctx, u)
		})
	}
	group.Wait()
	results := map[string]Result{}
	for i, u := range w.pending {
		result := Result{At: now, SentAt: now}
		if errs[i] != nil {
			failed = append(failed, u)
			result = Result{At: now, LastError: errs[i].Error()}
		}
		results[u] = result
		w.recordResult(u, errs[i])
	}
	if err := w.Record(ctx, results); err != nil {
		w.Log.Warn("watchdog result not stored", "component", "watchdog", "error", err)
	}
	return failed
}

// recordResult counts a result, and logs it if it differs from the one before.
func (w *Pinger) recordResult(u string, err error) {
	outcome := "sent"
	if err != nil {
		outcome = "failed"
	}
	w.Metrics.OutgoingPing(outcome)
	switch {
	case err != nil && !w.failing[u]:
		w.Log.Warn("watchdog ping failed", "component", "watchdog", "host", hostOf(u), "error", err)
	case err == nil && w.failing[u]:
		w.Log.Info("watchdog ping sent again", "component", "watchdog", "host", hostOf(u))
	}
	w.failing[u] = err != nil
}

// hostOf returns the host of a URL: the rest allows anyone to ping.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}

// Distinct returns the URLs without repetitions and empty texts.
func Distinct(urls []string) []string {
	slices.Sort(urls)
	return slices.DeleteFunc(slices.Compact(urls), func(u string) bool { return u == "" })
}
