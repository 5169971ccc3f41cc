package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Plan is a load at a fixed rate that does not depend on the responses. The latency of a
// request counts from its planned time, so it includes the delay of requests that could
// not be sent while the server stalled.
type Plan struct {
	Rate        float64 // requests per second
	Connections int     // maximum number of requests in flight
	Count       int     // number of requests; 0: until Stop
	InOrder     bool    // request i has the id i modulo N; otherwise it is random
	Reconnect   bool    // open a connection again when it breaks
	// MaxDelay ends the load before a request would be sent later than this after its planned
	// time, so that a server that stalls does not make the load last for hours; 0: no limit.
	MaxDelay time.Duration
}

// Sent is one request of a paced load.
type Sent struct {
	Due     time.Time     // planned time
	Took    time.Duration // from the planned time to the response
	Waited  time.Duration // from the planned time to the moment at which it was sent
	Request int           // number of the request
	Status  int           // of the response; 0: the connection broke
	OK      bool
	// RetryAfter reports whether the response said when to try again.
	RetryAfter bool
}

// PacedResult is the result of a paced load.
type PacedResult struct {
	Sent   []Sent
	Broken error // why the last of the broken connections broke; nil if none did
}

// Since returns the latencies of the requests whose planned time is after moment.
func (m PacedResult) Since(moment time.Time) (took Latencies) {
	for _, s := range m.Sent {
		if s.Due.After(moment) {
			took = append(took, int64(s.Took))
		}
	}
	return took
}

// Rejected returns the number of responses that were not as expected.
func (m PacedResult) Rejected() (n int) {
	for _, s := range m.Sent {
		if !s.OK {
			n++
		}
	}
	return n
}

// Paced is a running load.
type Paced struct {
	plan     Plan
	requests Requests
	open     dialer
	begun    time.Time
	next     atomic.Int64 // number of the next request
	cancel   context.CancelFunc
	all      sync.WaitGroup

	mu     sync.Mutex
	result PacedResult
	err    error
}

// StartPaced starts a load. It ends with Stop, or when Wait returns.
func StartPaced(ctx context.Context, address string, requests Requests, plan Plan) (*Paced, error) {
	return startPaced(ctx, toAddress(address), requests, plan)
}

func startPaced(ctx context.Context, open dialer, requests Requests, plan Plan) (*Paced, error) {
	conns, err := dial(ctx, open, plan.Connections)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &Paced{plan: plan, requests: requests, open: open, begun: time.Now(), cancel: cancel}
	for _, c := range conns {
		p.all.Go(func() { p.work(ctx, c) })
	}
	return p, nil
}

// Begun returns the planned time of the first request.
func (p *Paced) Begun() time.Time { return p.begun }

// Stop ends the load and returns its result.
func (p *Paced) Stop() (PacedResult, error) {
	p.cancel()
	return p.Wait()
}

// Wait waits until all requests of the plan are answered.
func (p *Paced) Wait() (PacedResult, error) {
	p.all.Wait()
	p.cancel()
	return p.result, p.err
}

// work sends requests until its connection breaks or the load ends. The other
// connections continue.
func (p *Paced) work(ctx context.Context, c *conn) {
	var sent []Sent
	defer func() {
		_ = c.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.result.Sent = append(p.result.Sent, sent...)
	}()
	step := float64(time.Second) / p.plan.Rate
	for {
		n := int(p.next.Add(1) - 1)
		if p.plan.Count > 0 && n >= p.plan.Count {
			return
		}
		due := p.begun.Add(time.Duration(float64(n) * step))
		if sleepUntil(ctx, due) != nil || p.plan.MaxDelay > 0 && time.Since(due) > p.plan.MaxDelay {
			return
		}
		s, err := p.send(c, n, due)
		if sent = append(sent, s); err != nil && !p.reconnect(ctx, c, err) {
			return
		}
	}
}

// send sends one request. A connection that the server closed after its response is
// an error too.
func (p *Paced) send(c *conn, n int, due time.Time) (Sent, error) {
	s := Sent{Due: due, Request: n % p.requests.N}
	if !p.plan.InOrder {
		s.Request = rand.IntN(p.requests.N)
	}
	now := time.Now()
	s.Waited = now.Sub(due)
	err := c.SetDeadline(now.Add(responseTimeout))
	var r response
	if err == nil {
		r, err = c.exchange(&p.requests, s.Request)
	}
	s.Took, s.RetryAfter = time.Since(due), r.retryAfter
	if err == nil {
		if s.Status, s.OK = r.status, r.ok; r.close {
			err = errClosed
		}
	}
	return s, err
}

// errClosed means that the server closed a connection after a response.
var errClosed = errors.New("the server closed the connection after its response")

// reconnect opens a connection again, if the plan says so, and reports whether the
// connection can be used.
func (p *Paced) reconnect(ctx context.Context, c *conn, cause error) bool {
	_ = c.Close()
	if !errors.Is(cause, errClosed) {
		p.mu.Lock()
		p.result.Broken = cause
		p.mu.Unlock()
	}
	if p.plan.Reconnect {
		again, err := dial(ctx, p.open, 1)
		if err == nil {
			c.Conn, c.in = again[0].Conn, again[0].in
			return true
		}
		cause = err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = fmt.Errorf("paced load: %w", cause)
	return false
}

// sleepUntil sleeps until the given time, or until ctx ends.
func sleepUntil(ctx context.Context, until time.Time) error {
	wait := time.Until(until)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
