package postgres

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

// poolDialer dials the connections of the pool, and closes all of them when the
// database does not answer. A graceful close takes up to 15 seconds without an
// answer and occupies a place in the pool for that time.
type poolDialer struct {
	mu           sync.Mutex
	conns        map[net.Conn]bool
	disconnected bool
}

// errDisconnected means that no connections are allowed.
var errDisconnected = errors.New("the circuit is open")

// dial opens a connection, unless the dialer is disconnected.
func (d *poolDialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	disconnected := d.disconnected
	d.mu.Unlock()
	if disconnected {
		return nil, errDisconnected
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.disconnected {
		return nil, errors.Join(errDisconnected, conn.Close())
	}
	if d.conns == nil {
		d.conns = map[net.Conn]bool{}
	}
	d.conns[conn] = true
	return trackedConn{conn, d}, nil
}

// disconnect closes all connections and allows no new ones.
func (d *poolDialer) disconnect() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disconnected = true
	for conn := range d.conns {
		_ = conn.Close() // it is probably dead
	}
	clear(d.conns)
}

// reconnect allows new connections again.
func (d *poolDialer) reconnect() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.disconnected = false
}

// trackedConn is a connection that its dialer can close.
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
