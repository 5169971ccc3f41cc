package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Result is the result of one round of load.
type Result struct {
	Pings    int64 // answered as expected
	Rejected int64 // answered 503 with Retry-After
	Elapsed  time.Duration
	Took     Latencies     // of the pings that were answered as expected
	CPU      time.Duration // used by the server; the caller measures it
	Commits  float64       // of the server; the caller measures it
}

// PerSecond returns the number of pings per second.
func (t Result) PerSecond() float64 { return float64(t.Pings) / t.Elapsed.Seconds() }

// Round loads a server from n connections for the given time. Each connection
// sends one request after another, each with a random id. Any response except the
// expected one, and 503 with Retry-After, is an error.
func Round(ctx context.Context, address string, requests Requests, n int, length time.Duration) (Result, error) {
	conns, err := dial(ctx, toAddress(address), n)
	if err != nil {
		return Result{}, err
	}
	defer closeAll(conns)
	begun := time.Now()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() { errs[i] = c.sendUntil(requests, begun, length) })
	}
	all.Wait()
	t := Result{Elapsed: time.Since(begun)}
	for i, c := range conns {
		t.Pings += int64(len(c.took))
		t.Took = append(t.Took, c.took...)
		t.Rejected += c.rejected
		if err == nil {
			err = errs[i] // the first error is enough: the others are alike
		}
	}
	return t, err
}

// rejectedPause is the time until a connection sends again after a 503. A real client would
// wait for Retry-After.
const rejectedPause = 100 * time.Millisecond

// sendUntil sends one request after another until length has passed since begun. At
// the end it waits for the request in flight, because the server may store it.
func (c *conn) sendUntil(requests Requests, begun time.Time, length time.Duration) error {
	if err := c.SetDeadline(begun.Add(length + responseTimeout)); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	pick := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	c.took = make([]int64, 0, 1<<12)
	// The clock is read once per request: the end of one is the start of the next.
	for last := begun; last.Sub(begun) < length; {
		r, err := c.exchange(&requests, pick.IntN(requests.N))
		if err != nil {
			return err
		}
		now := time.Now()
		switch {
		case r.ok:
			c.took = append(c.took, int64(now.Sub(last)))
		case r.status == http.StatusServiceUnavailable && r.retryAfter:
			c.rejected++
			time.Sleep(rejectedPause)
			now = now.Add(rejectedPause)
		default:
			return fmt.Errorf("answered %s", c.lastUnexpected)
		}
		last = now
	}
	return nil
}
