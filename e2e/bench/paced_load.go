package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// pacedConnections is the number of connections that share a paced load, and so the
// maximum number of pings in flight. It is greater than the pings per second:
// otherwise, after a slow response, pings would wait here and not in the server.
const pacedConnections = 256

// pacedLoad is a load at a fixed rate that does not depend on the responses. The latency
// of a ping counts from its planned time, so it includes the delay of pings that
// could not be sent while the server stalled.
type pacedLoad struct {
	cancel context.CancelFunc
	all    sync.WaitGroup
	conns  []*conn

	mu     sync.Mutex
	result pacedResult
	err    error
}

// pacedResult is the result of a paced load.
type pacedResult struct {
	took     []pingLatency
	rejected int // answered other than 200 with OK
}

// pingLatency is the latency and the planned time of one ping.
type pingLatency struct {
	dueAt    time.Time
	duration time.Duration
}

// since returns the latencies of the pings whose planned time is after moment.
func (m pacedResult) since(moment time.Time) (took latencies) {
	for _, t := range m.took {
		if t.dueAt.After(moment) {
			took = append(took, int64(t.duration))
		}
	}
	return took
}

// startPaced starts a load of perSecond pings per second. It ends with stop.
func startPaced(ctx context.Context, address string, requests [][]byte, perSecond int) (*pacedLoad, error) {
	conns, err := dial(ctx, address, pacedConnections)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*silenceTimeout)
	p := &pacedLoad{cancel: cancel, conns: conns}
	due := make(chan time.Time, 2*int(silenceTimeout.Seconds())*perSecond) // never full
	for _, c := range conns {
		p.all.Go(func() { p.work(c, requests, due) })
	}
	p.all.Go(func() {
		defer close(due)
		step := time.Second / time.Duration(perSecond)
		for at := time.Now(); sleepUntil(ctx, at) == nil; at = at.Add(step) {
			due <- at
		}
	})
	return p, nil
}

// stop ends the load and returns its result.
func (p *pacedLoad) stop() (pacedResult, error) {
	p.cancel()
	p.all.Wait()
	closeAll(p.conns)
	return p.result, p.err
}

// work sends the pings that are due, until its connection breaks. The other
// connections continue.
func (p *pacedLoad) work(c *conn, requests [][]byte, due <-chan time.Time) {
	for at := range due {
		err := c.SetDeadline(time.Now().Add(responseTimeout))
		var ok bool
		if err == nil {
			ok, err = c.exchange(requests[rand.IntN(len(requests))])
		}
		if !p.record(at, ok, err) {
			return
		}
	}
}

// record records the result of a ping, and reports whether the connection is usable.
func (p *pacedLoad) record(at time.Time, ok bool, err error) bool {
	took := time.Since(at)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.err = fmt.Errorf("paced load: %w", err)
		return false
	}
	if !ok {
		p.result.rejected++
	}
	p.result.took = append(p.result.took, pingLatency{at, took})
	return true
}
