package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Health checks of the balancer, as a common configuration has them.
const (
	checkInterval = 500 * time.Millisecond
	checkTimeout  = 500 * time.Millisecond
)

// balancer forwards connections to servers that are ready. When a server is no longer
// ready, it closes the connections to it, so that clients retry at once (HAProxy:
// on-marked-down shutdown-sessions).
type balancer struct {
	listener net.Listener

	mu    sync.Mutex
	ready map[string]bool
	conns map[string]map[net.Conn]bool // by server
}

// newBalancer starts a balancer for the given servers. It ends with ctx.
func newBalancer(ctx context.Context, servers []string) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("balancer: %w", err)
	}
	b := &balancer{listener: l, ready: map[string]bool{}, conns: map[string]map[net.Conn]bool{}}
	for _, s := range servers {
		b.ready[s], b.conns[s] = true, map[net.Conn]bool{}
		go b.check(ctx, s)
	}
	go b.accept()
	context.AfterFunc(ctx, func() { _ = l.Close() })
	return b, nil
}

// address returns the address for clients.
func (b *balancer) address() string { return b.listener.Addr().String() }

// check checks a server until ctx ends.
func (b *balancer) check(ctx context.Context, server string) {
	for sleepUntil(ctx, time.Now().Add(checkInterval)) {
		limited, cancel := context.WithTimeout(ctx, checkTimeout)
		ready := get(limited, "http://"+server+"/readyz") == http.StatusOK
		cancel()
		b.mu.Lock()
		b.ready[server] = ready
		if !ready {
			for c := range b.conns[server] {
				_ = c.Close() // ends its copies
			}
		}
		b.mu.Unlock()
	}
}

// pick returns a server that is ready, or any if none is.
func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ready, all []string
	for s, ok := range b.ready {
		all = append(all, s)
		if ok {
			ready = append(ready, s)
		}
	}
	if len(ready) == 0 {
		ready = all
	}
	return ready[rand.IntN(len(ready))]
}

// accept forwards connections until the listener is closed.
func (b *balancer) accept() {
	for {
		from, err := b.listener.Accept()
		if err != nil {
			return
		}
		go b.forward(from, b.pick())
	}
}

// forward forwards one connection to a server.
func (b *balancer) forward(from net.Conn, server string) {
	to, err := net.Dial("tcp", server)
	if err != nil {
		_ = from.Close() // the client retries
		return
	}
	for _, c := range []net.Conn{from, to} {
		b.track(server, c, true)
		defer b.track(server, c, false)
	}
	var both sync.WaitGroup
	both.Go(func() { copyBytes(to, from, never) })
	both.Go(func() { copyBytes(from, to, never) })
	both.Wait()
}

// track remembers an open connection to a server.
func (b *balancer) track(server string, c net.Conn, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if open {
		b.conns[server][c] = true
	} else {
		delete(b.conns[server], c)
	}
}
