package postgres

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
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
	primary      *primary // nil: the address names one host
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
	if d.primary != nil && !d.primary.is(address) {
		return nil, errOtherHost
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

// primary is the host that accepted writes last. Only probes try the other hosts of
// the address: one that does not answer would delay every connection of the pool.
type primary struct{ address atomic.Pointer[string] }

// follow makes each connection of a configuration that passes its validation tell
// which host is the primary.
func (p *primary) follow(config *pgconn.Config) {
	validate := config.ValidateConnect
	config.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := validate(ctx, conn); err != nil {
			return err
		}
		address := normalAddress(conn.Conn().RemoteAddr().String())
		p.address.Store(&address)
		return nil
	}
}

// is reports whether the host with an address is the primary, as far as is known.
func (p *primary) is(address string) bool {
	known := p.address.Load()
	return known == nil || *known == normalAddress(address)
}

// normalAddress returns one text for all forms of an IP address with a port.
func normalAddress(address string) string {
	if parsed, err := netip.ParseAddrPort(address); err == nil {
		return netip.AddrPortFrom(parsed.Addr().Unmap(), parsed.Port()).String()
	}
	return address // of a Unix socket
}

// lookupTimeout is the maximum time of a lookup if an earlier one succeeded.
const lookupTimeout = 500 * time.Millisecond

// resolver looks up the addresses of hosts. While the name server does not answer, it
// returns the last known ones.
type resolver struct {
	next pgconn.LookupFunc
	mu   sync.Mutex
	last map[string][]string
}

// newResolver returns a resolver that asks another one.
func newResolver(next pgconn.LookupFunc) *resolver {
	return &resolver{next: next, last: map[string][]string{}}
}

// lookup returns the addresses of a host.
func (r *resolver) lookup(ctx context.Context, host string) ([]string, error) {
	r.mu.Lock()
	last := r.last[host]
	r.mu.Unlock()
	if len(last) > 0 {
		limited, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		ctx = limited
	}
	found, err := r.next(ctx, host)
	if err != nil && len(last) > 0 {
		return last, nil
	}
	if err == nil {
		r.mu.Lock()
		r.last[host] = found
		r.mu.Unlock()
	}
	return found, err
}
