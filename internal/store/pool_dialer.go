package store

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// keepAlive closes connections, including idle ones, within about half a minute
// after the other end is gone.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// dial opens a connection to PostgreSQL.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext(ctx, network, address)
}

// poolDialer dials the connections of the pool, and cuts all of them when the database
// does not answer. A graceful close takes up to 15 seconds without an answer and
// occupies a place in the pool for that time.
type poolDialer struct {
	mu           sync.Mutex
	conns        map[net.Conn]bool
	disconnected bool
}

// errDisconnected means that the line is cut.
var errDisconnected = errors.New("the circuit is open")

// dial opens a connection, unless the line is cut.
func (l *poolDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	isCut := l.disconnected
	l.mu.Unlock()
	if isCut {
		return nil, errDisconnected
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.disconnected {
		return nil, errors.Join(errDisconnected, conn.Close())
	}
	if l.conns == nil {
		l.conns = map[net.Conn]bool{}
	}
	l.conns[conn] = true
	return trackedConn{conn, l}, nil
}

// disconnect closes all connections and lets none be opened.
func (l *poolDialer) disconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disconnected = true
	for conn := range l.conns {
		_ = conn.Close() // it is as good as dead
	}
	clear(l.conns)
}

// reconnect lets connections be opened again.
func (l *poolDialer) reconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disconnected = false
}

// trackedConn is a connection that its line knows.
type trackedConn struct {
	net.Conn
	dialer *poolDialer
}

// Close closes the connection.
func (c trackedConn) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.conns, c.Conn)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}
