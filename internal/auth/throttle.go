package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"
)

// How often a password may be wrong within a window before sign-in rests.
const (
	throttleWindow = 15 * time.Minute
	mostPerPair    = 10  // for one account, from one address
	mostPerAccount = 100 // for one account, from everywhere
	mostPerAddress = 50  // for all accounts, from one address
	mostCounters   = 10_000
)

// throttle counts wrong passwords. An account is counted also by address, so
// that a stranger who guesses does not shut out whose account it is. It counts
// on this node alone, and forgets when the node stops: what it prevents takes
// far longer. It is safe for concurrent use.
type throttle struct {
	mu       sync.Mutex
	counters map[string]*counter
}

// counter is how often something happened since a moment.
type counter struct {
	n    int
	ends time.Time
}

// newThrottle returns one that has counted nothing.
func newThrottle() *throttle { return &throttle{counters: map[string]*counter{}} }

// limits are the counters that a try counts on, with the most of each.
func limits(email, address string) map[string]int {
	account, network := strings.ToLower(email), network(address)
	return map[string]int{
		"pair " + network + " " + account: mostPerPair,
		"account " + account:              mostPerAccount,
		"address " + network:              mostPerAddress,
	}
}

// network is what somebody has as a rule: an IPv4 address, or a /64 of IPv6.
func network(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return address
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// try counts a try, and returns how long to wait when it is one too many. A
// try is counted before it is known to be wrong, so that many at once are no
// way around.
func (t *throttle) try(email, address string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := limits(email, address)
	var wait time.Duration
	for name, most := range all {
		if c := t.counters[name]; c != nil && now.Before(c.ends) && c.n >= most {
			wait = max(wait, c.ends.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for name := range all {
		t.count(name, now)
	}
	return 0
}

// count adds one to a counter, which begins when it is not there or has ended.
func (t *throttle) count(name string, now time.Time) {
	c := t.counters[name]
	if c == nil || !now.Before(c.ends) {
		t.makeRoom(now)
		c = &counter{ends: now.Add(throttleWindow)}
		t.counters[name] = c
	}
	c.n++
}

// makeRoom keeps the map bounded: it drops what has ended, and when nothing
// has, the counter that ends first.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.counters) < mostCounters {
		return
	}
	first := ""
	for name, c := range t.counters {
		if !now.Before(c.ends) {
			delete(t.counters, name)
		} else if first == "" || c.ends.Before(t.counters[first].ends) {
			first = name
		}
	}
	if len(t.counters) >= mostCounters {
		delete(t.counters, first)
	}
}

// right takes back the try of somebody who knew the password, and forgives the
// account at this address.
func (t *throttle) right(email, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range limits(email, address) {
		if c := t.counters[name]; c != nil {
			c.n--
			if c.n <= 0 || strings.HasPrefix(name, "pair ") {
				delete(t.counters, name)
			}
		}
	}
}
