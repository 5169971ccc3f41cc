package httpd

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"overdue/internal/ratelimit"
)

// Limits limit the connections of clients. At a limit, the oldest connection
// without a complete request is closed for the new one. A client that sends its
// request at once, such as a ping, thus displaces clients that hold connections
// and send nothing.
type Limits struct {
	// PerAddress is the number of connections of one IPv4 address or IPv6 /64.
	// 0 means no limit.
	PerAddress int
	// Total is the number of connections of all clients. 0 means no limit.
	Total int
	// Exempt are addresses to which PerAddress does not apply: loopback
	// addresses, and trusted proxies with many clients. Part of Total is
	// reserved for them.
	Exempt []netip.Prefix
}

// exemptShare is the fraction of all connections that is reserved for exempt clients.
const exemptShare = 8 // an eighth

// maxLimited returns the maximum number of connections of all clients that are not
// exempt.
func (l Limits) maxLimited() int { return l.Total - l.Total/exemptShare }

// connRegistry registers the open connections of a server.
type connRegistry struct {
	limits     Limits
	rejections *Rejections
	plain      *plainServer

	mu      sync.Mutex
	clients map[netip.Prefix]*clientConns
	open    int // connections of all clients
	limited int // of clients that are not exempt

	dropped atomic.Int64 // connections closed by a stop after part of a request had arrived
}

// clientConns holds the connections that share one limit per address.
type clientConns struct {
	network netip.Prefix
	exempt  bool
	conns   map[*conn]struct{}
}

// newConnRegistry returns an empty registry.
func newConnRegistry(limits Limits, rejections *Rejections) *connRegistry {
	return &connRegistry{limits: limits, rejections: rejections, clients: map[netip.Prefix]*clientConns{}}
}

// NetworkOf returns the network of the address of a peer, see [ratelimit.Network]. It
// is the zero Prefix if the peer has no IP address, as with a Unix socket.
func NetworkOf(address string) netip.Prefix { return ratelimit.Network(parseAddress(address)) }

// isExempt reports whether the limit per address does not apply to a peer.
func (l Limits) isExempt(peer string) bool {
	addr := parseAddress(peer)
	return !addr.IsValid() || inAny(addr, l.Exempt)
}

// admit registers a new connection. If a limit is reached, it closes another
// connection. If none can be closed, it closes the new one and returns nil.
func (t *connRegistry) admit(accepted net.Conn) *conn {
	peer := accepted.RemoteAddr().String()
	network, exempt := NetworkOf(peer), t.limits.isExempt(peer)
	if exempt {
		network = netip.PrefixFrom(network.Addr(), network.Addr().BitLen()) // an IPv6 /64 may be exempt in part
	}
	t.mu.Lock()
	cl := t.clients[network]
	if cl == nil {
		cl = &clientConns{network: network, exempt: exempt, conns: map[*conn]struct{}{}}
	}
	reason, victim := t.makeRoom(cl)
	if victim != nil {
		t.unregister(victim)
	}
	var admitted *conn
	if reason == "" || victim != nil {
		admitted = &conn{Conn: accepted, registry: t, client: cl}
		admitted.waitingSince.Store(time.Now().UnixNano())
		t.add(admitted)
	}
	t.mu.Unlock()
	if reason != "" {
		t.rejections.Add(reason, network.String())
	}
	switch {
	case victim != nil:
		_ = victim.Conn.Close() // the error does not matter
	case admitted == nil:
		_ = accepted.Close() // the error does not matter
	}
	return admitted
}

// makeRoom returns the connection that must be closed for a new one of the
// client. reason is empty if no limit is reached. victim is nil if no connection
// can be closed.
func (t *connRegistry) makeRoom(cl *clientConns) (reason Reason, victim *conn) {
	switch {
	case !cl.exempt && t.limits.PerAddress > 0 && len(cl.conns) >= t.limits.PerAddress:
		return TooManyFromAddress, cl.oldestWaiting(time.Now())
	case t.limits.Total == 0:
		return "", nil
	case t.open < t.limits.Total && (cl.exempt || t.limited < t.limits.maxLimited()):
		return "", nil
	}
	victim = t.oldestOfLargest(false)
	if victim == nil && cl.exempt {
		victim = t.oldestOfLargest(true)
	}
	return TooManyConnections, victim
}

// oldestOfLargest returns the connection that has waited longest, of the client
// with the most connections.
func (t *connRegistry) oldestOfLargest(exempt bool) (victim *conn) {
	now, most := time.Now(), 0
	for _, cl := range t.clients {
		if cl.exempt != exempt || len(cl.conns) < most {
			continue
		}
		oldest := cl.oldestWaiting(now)
		if oldest == nil {
			continue
		}
		if len(cl.conns) > most || oldest.waitingSince.Load() < victim.waitingSince.Load() {
			victim, most = oldest, len(cl.conns)
		}
	}
	return victim
}

// oldestWaiting returns the connection of the client that has waited longest
// for a complete request, or nil if all have one.
func (cl *clientConns) oldestWaiting(now time.Time) (oldest *conn) {
	for c := range cl.conns {
		if c.isWaiting(now, stalledWriteTimeout) && (oldest == nil || c.waitingSince.Load() < oldest.waitingSince.Load()) {
			oldest = c
		}
	}
	return oldest
}

// acceptFailed closes one connection to free a file descriptor before the
// server retries.
func (t *connRegistry) acceptFailed() {
	t.mu.Lock()
	victim := t.oldestOfLargest(false)
	if victim == nil {
		victim = t.oldestOfLargest(true)
	}
	if victim != nil {
		t.unregister(victim)
	}
	t.mu.Unlock()
	if victim != nil {
		_ = victim.Conn.Close() // the error does not matter
	}
}

// add registers a connection.
func (t *connRegistry) add(c *conn) {
	t.clients[c.client.network] = c.client
	c.client.conns[c] = struct{}{}
	t.open++
	if !c.client.exempt {
		t.limited++
	}
}

// unregister removes a connection. Repeated calls do nothing.
func (t *connRegistry) unregister(c *conn) {
	if _, there := c.client.conns[c]; !there {
		return
	}
	delete(c.client.conns, c)
	if len(c.client.conns) == 0 {
		delete(t.clients, c.client.network)
	}
	t.open--
	if !c.client.exempt {
		t.limited--
	}
}

// removeClosed removes a connection that was closed.
func (t *connRegistry) removeClosed(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unregister(c)
}

// all returns the open connections.
func (t *connRegistry) all() []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]*conn, 0, t.open)
	for _, cl := range t.clients {
		for c := range cl.conns {
			list = append(list, c)
		}
	}
	return list
}

// closeWaiting closes the connections without a complete request, and those
// whose client does not read the response.
func (t *connRegistry) closeWaiting() {
	now := time.Now()
	for _, c := range t.all() {
		if c.isWaiting(now, stalledWriteAtStop) {
			if c.received.Load() || c.serving.Load() || c.http2.Load() {
				t.dropped.Add(1)
			}
			_ = c.Close() // without a complete request, no response is lost
		}
	}
}
