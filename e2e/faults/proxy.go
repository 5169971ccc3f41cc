package main

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// proxy forwards bytes between the servers and PostgreSQL. While it drops them,
// connections stay open and nothing arrives.
type proxy struct {
	listener net.Listener
	socket   string
	dropping atomic.Bool
	mu       sync.Mutex
	conns    []net.Conn
}

// newProxy starts a proxy in front of a Unix socket.
func newProxy(socket string) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p := &proxy{listener: l, socket: socket}
	go p.accept()
	return p, nil
}

// database returns the address of the database through the proxy.
func (p *proxy) database() string {
	return "postgres://overdue@" + p.listener.Addr().String() + "/postgres?sslmode=disable"
}

// accept accepts connections until the listener is closed.
func (p *proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("unix", p.socket)
		if err != nil {
			_ = from.Close() // the client sees an error
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, from, to)
		p.mu.Unlock()
		go copyBytes(to, from, p.dropping.Load)
		go copyBytes(from, to, p.dropping.Load)
	}
}

// never is the argument of copyBytes that drops nothing.
func never() bool { return false }

// copyBytes forwards bytes in one direction until either end closes. While drop returns
// true, they are lost.
func copyBytes(to, from net.Conn, drop func() bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !drop() {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_, _ = to.Close(), from.Close() // both ends are closed
			return
		}
	}
}

// close ends all connections.
func (p *proxy) close() {
	_ = p.listener.Close() // ends accept
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close() // ends copy
	}
}
