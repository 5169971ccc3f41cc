package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// mostPaced is the number of connections that share a paced load, and so the maximum
// number of pings in flight. It is more than the pings of a second: with too few,
// one slow response would make the others wait here and not in the server.
const mostPaced = 256

// paced is a load at a given rate, however the server answers. The time of a
// ping counts from when it was to be sent: a server that stalls delays also the
// pings that could not be sent meanwhile.
type paced struct {
	cancel context.CancelFunc
	all    sync.WaitGroup
	conns  []*conn

	mu     sync.Mutex
	result meanwhile
	err    error
}

// meanwhile is what became of the pings of a paced load.
type meanwhile struct {
	took    []timed
	refused int // answered other than 200 with OK
}

// timed is how long one ping took, and when it was to be sent.
type timed struct {
	at   time.Time
	took time.Duration
}

// since are the latencies of the pings that were to be sent after a moment.
func (m meanwhile) since(moment time.Time) (took latencies) {
	for _, t := range m.took {
		if t.at.After(moment) {
			took = append(took, int64(t.took))
		}
	}
	return took
}

// pace starts a load of so many pings a second, until it is stopped.
func pace(ctx context.Context, address string, requests [][]byte, perSecond int) (*paced, error) {
	conns, err := dial(ctx, address, mostPaced)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*giveUp)
	p := &paced{cancel: cancel, conns: conns}
	due := make(chan time.Time, 2*int(giveUp.Seconds())*perSecond) // never full
	for _, c := range conns {
		p.all.Go(func() { p.work(c, requests, due) })
	}
	p.all.Go(func() {
		defer close(due)
		step := time.Second / time.Duration(perSecond)
		for at := time.Now(); wait(ctx, at) == nil; at = at.Add(step) {
			due <- at
		}
	})
	return p, nil
}

// stop ends the load and tells how it went.
func (p *paced) stop() (meanwhile, error) {
	p.cancel()
	p.all.Wait()
	hangUp(p.conns)
	return p.result, p.err
}

// work sends the pings that are due, until its connection breaks. The other
// connections continue.
func (p *paced) work(c *conn, requests [][]byte, due <-chan time.Time) {
	for at := range due {
		err := c.SetDeadline(time.Now().Add(patience))
		var ok bool
		if err == nil {
			ok, err = c.exchange(requests[rand.IntN(len(requests))])
		}
		if !p.note(at, ok, err) {
			return
		}
	}
}

// note records the result of a ping, and reports whether the connection is usable.
func (p *paced) note(at time.Time, ok bool, err error) bool {
	took := time.Since(at)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.err = fmt.Errorf("paced load: %w", err)
		return false
	}
	if !ok {
		p.result.refused++
	}
	p.result.took = append(p.result.took, timed{at, took})
	return true
}
