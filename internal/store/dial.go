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

// line dials the connections of the pool, and cuts all of them when the database
// does not answer. A graceful close takes up to 15 seconds without an answer and
// occupies a place in the pool for that time.
type line struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	isCut bool
}

// errCut means that the line is cut.
var errCut = errors.New("the circuit is open")

// dial opens a connection, unless the line is cut.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	isCut := l.isCut
	l.mu.Unlock()
	if isCut {
		return nil, errCut
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isCut {
		return nil, errors.Join(errCut, conn.Close())
	}
	if l.conns == nil {
		l.conns = map[net.Conn]bool{}
	}
	l.conns[conn] = true
	return lineConn{conn, l}, nil
}

// cut closes all connections and lets none be opened.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for conn := range l.conns {
		_ = conn.Close() // it is as good as dead
	}
	clear(l.conns)
}

// mend lets connections be opened again.
func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}

// lineConn is a connection that its line knows.
type lineConn struct {
	net.Conn
	line *line
}

// Close closes the connection.
func (c lineConn) Close() error {
	c.line.mu.Lock()
	delete(c.line.conns, c.Conn)
	c.line.mu.Unlock()
	return c.Conn.Close()
}
