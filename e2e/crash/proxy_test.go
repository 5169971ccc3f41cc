package crash_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy forwards bytes between TCP clients and a database. While it drops them,
// connections stay open and no bytes arrive at either end. Dropped bytes are never
// delivered.
type proxy struct {
	listener net.Listener
	target   string // path of a Unix socket
	dropping atomic.Bool
	open     atomic.Int64

	mu    sync.Mutex
	conns []net.Conn
}

// newProxy starts a proxy in front of the given Unix socket.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target}
	var accepting sync.WaitGroup
	accepting.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close() // ends accepting
		accepting.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range p.conns {
			_ = c.Close() // ends its copies
		}
	})
	return p
}

// accept accepts connections until the listener is closed.
func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.target)
		if err != nil {
			_ = client.Close() // like a connection refused
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.open.Add(1)
		go p.copy(server, client, func() { p.open.Add(-1) })
		go p.copy(client, server, func() {})
	}
}

// copy forwards bytes in one direction until either end closes.
func (p *proxy) copy(to, from net.Conn, ended func()) {
	defer ended()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !p.dropping.Load() {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			if err != io.EOF || !p.dropping.Load() {
				_ = to.Close() // closes the other end too
			}
			return
		}
	}
}

// address returns the address of the database through the proxy.
func (p *proxy) address() string {
	return "postgres://overdue@" + p.listener.Addr().String() + "/postgres?sslmode=disable"
}
