package httpd

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits bound the connections that clients may hold. At a limit the oldest
// connection without a whole request is closed for the new one: a client that
// sends its request at once, as a ping does, is always let in before clients
// that hold connections open and send nothing.
type Limits struct {
	// PerAddress is the number of connections of one IPv4 address or IPv6 /64.
	// 0 means no limit.
	PerAddress int
	// Total is the number of connections of all clients. 0 means no limit.
	Total int
	// Exempt are addresses to which PerAddress does not apply: this machine and
	// trusted proxies, which speak for many clients. Part of Total is kept free
	// for them.
	Exempt []netip.Prefix
}

// exemptShare is the fraction of all connections that is reserved for exempt clients.
const exemptShare = 8 // an eighth

// maxLimited returns how many connections the clients that are not exempt may hold.
func (l Limits) maxLimited() int { return l.Total - l.Total/exemptShare }

// connRegistry is the register of a server's open connections.
type connRegistry struct {
	limits     Limits
	rejections *Rejections

	mu      sync.Mutex
	clients map[netip.Prefix]*client
	open    int // connections of all clients
	limited int // those of clients that are not exempt
}

// client is the connections that share one limit per address.
type client struct {
	network netip.Prefix
	exempt  bool
	conns   map[*conn]struct{}
}

// newConnRegistry returns an empty register.
func newConnRegistry(limits Limits, rejections *Rejections) *connRegistry {
	return &connRegistry{limits: limits, rejections: rejections, clients: map[netip.Prefix]*client{}}
}

// NetworkOf returns the network that counts as one client: an IPv4 address, or the
// /64 of an IPv6 address, which one customer of a provider has. It returns the zero
// Prefix if the peer has no IP address, as with a Unix socket.
func NetworkOf(address string) netip.Prefix {
	addr := parseAddress(address)
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// isExempt reports whether the limit per address does not apply to a peer.
func (l Limits) isExempt(peer string) bool {
	addr := parseAddress(peer)
	return !addr.IsValid() || inAny(addr, l.Exempt)
}

// admit registers a new connection. If a limit is reached, it closes another
// connection. If there is none to close, it closes the new one and returns nil.
func (t *connRegistry) admit(accepted net.Conn) *conn {
	peer := accepted.RemoteAddr().String()
	network, exempt := NetworkOf(peer), t.limits.isExempt(peer)
	if exempt {
		network = netip.PrefixFrom(network.Addr(), network.Addr().BitLen()) // an IPv6 /64 may be exempt in part
	}
	t.mu.Lock()
	cl := t.clients[network]
	if cl == nil {
		cl = &client{network: network, exempt: exempt, conns: map[*conn]struct{}{}}
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
		_ = victim.Conn.Close() // it is given up, whatever closing says
	case admitted == nil:
		_ = accepted.Close() // likewise
	}
	return admitted
}

// makeRoom finds the connection that must be closed before the client may have
// another one. reason is empty if no limit is reached; victim is nil if there is
// a limit, but nothing to close.
func (t *connRegistry) makeRoom(cl *client) (reason Reason, victim *conn) {
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

// oldestOfLargest is the connection that has waited longest among those of the
// client that holds most.
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

// oldestWaiting is the client's connection that has been without a whole
// request for longest, nil if all are being answered.
func (cl *client) oldestWaiting(now time.Time) (oldest *conn) {
	for c := range cl.conns {
		if c.isWaiting(now, stalledWriteTimeout) && (oldest == nil || c.waitingSince.Load() < oldest.waitingSince.Load()) {
			oldest = c
		}
	}
	return oldest
}

// acceptFailed closes one connection, so that there is a free file descriptor
// when the server tries again.
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
		_ = victim.Conn.Close() // it is given up, whatever closing says
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

// unregister removes a connection from the register, once.
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

// removeClosed is forget for a connection that ends by itself.
func (t *connRegistry) removeClosed(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unregister(c)
}

// all lists the open connections.
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

// anyWithoutRequest reports whether a connection has not sent its first request yet.
func (t *connRegistry) anyWithoutRequest() bool {
	for _, c := range t.all() {
		if !c.hadRequest.Load() {
			return true
		}
	}
	return false
}

// closeWaiting closes the connections on which no whole request is being
// answered, or whose client does not read the answer.
func (t *connRegistry) closeWaiting() {
	now := time.Now()
	for _, c := range t.all() {
		if c.isWaiting(now, stalledWriteAtStop) {
			_ = c.Close() // the client gave no request, so no answer is lost
		}
	}
}
