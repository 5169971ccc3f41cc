package auth

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"overdue/internal/ratelimit"
)

// Maximum numbers of wrong passwords in a window.
const (
	throttleWindow = 15 * time.Minute
	maxPerPair     = 10  // for one account from one network, or from one known browser
	maxPerAccount  = 100 // for one account from all networks, before responses are delayed
	maxPerNetwork  = 50  // for all accounts from one network
	siteFactor     = 10  // the limits of an IPv6 /48 are this many times those of a /64
)

// The delay of a response after too many attempts for one account. It starts with
// minDelay and doubles with every further delayStep attempts.
const (
	minDelay  = time.Second
	maxDelay  = 16 * time.Second
	delayStep = 50
)

// pool is a set of counters with a separate memory limit: a full pool does not evict
// counters of another pool.
type pool int

// The pools. Attempts for addresses without an account are counted in the same way,
// so the responses are the same, but in separate pools: an attacker can make up any
// number of addresses.
const (
	browserPool pool = iota
	accountPool
	accountNetworkPool
	unknownAccountPool
	unknownAccountNetworkPool
	networkPool
	poolCount
)

// attempt is one attempt to authenticate with a password.
type attempt struct {
	email   string
	exists  bool   // the address has an account
	address string // client address
	// browser is the name of a browser that signed in to this account within the
	// last 30 days, or "". Its attempts are counted separately.
	browser string
}

// throttle counts wrong passwords, on this node and until it stops: the attacks that
// it prevents take much longer. It is safe for concurrent use.
type throttle struct {
	mu       sync.Mutex // makes checking and counting one step
	counters [poolCount]*ratelimit.Counter
}

// newThrottle returns a throttle without attempts.
func newThrottle() *throttle {
	t := &throttle{}
	for p := range t.counters {
		t.counters[p] = ratelimit.NewCounter(throttleWindow)
	}
	return t
}

// limit is one counter that an attempt increments.
type limit struct {
	pool                     pool
	name                     string
	max                      int
	delaysInsteadOfRejecting bool // above max, responses are delayed instead of rejected
}

// limits returns the counters of an attempt.
func (a attempt) limits() []limit {
	account := strings.ToLower(a.email)
	if a.browser != "" {
		return []limit{{browserPool, a.browser + " " + account, maxPerPair, false}}
	}
	whole, pairs := unknownAccountPool, unknownAccountNetworkPool
	if a.exists {
		whole, pairs = accountPool, accountNetworkPool
	}
	all := []limit{{whole, account, maxPerAccount, true}}
	for n, network := range networksOf(a.address) {
		factor := 1
		if n > 0 {
			factor = siteFactor
		}
		all = append(all, limit{pairs, network + " " + account, factor * maxPerPair, false}, limit{networkPool, network, factor * maxPerNetwork, false})
	}
	return all
}

// networksOf returns the networks that usually belong to one customer: an IPv4
// address, or an IPv6 /64 and its /48.
func networksOf(address string) []string {
	all := []string{ratelimit.NetworkKey(address)}
	if addr, err := netip.ParseAddr(address); err == nil && addr.Unmap().Is6() {
		if site, err := addr.WithZone("").Prefix(48); err == nil {
			all = append(all, site.String())
		}
	}
	return all
}

// reserve counts an attempt. If there were too many, the attempt must be rejected, and
// wait is the time that the client must wait; otherwise wait is 0. delay is the delay of the
// response. An attempt is counted before its password is checked, so concurrent
// attempts cannot exceed a limit.
func (t *throttle) reserve(a attempt, now time.Time) (wait, delay time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := a.limits()
	for _, l := range all {
		n, ends := t.counters[l.pool].Count(l.name, now)
		switch {
		case n < l.max:
		case l.delaysInsteadOfRejecting:
			delay = max(delay, min(minDelay<<min((n-l.max)/delayStep, 10), maxDelay))
		default:
			wait = max(wait, ends.Sub(now))
		}
	}
	if wait > 0 {
		return wait, 0
	}
	for _, l := range all {
		t.counters[l.pool].Add(l.name, now)
	}
	return 0, delay
}

// undo takes back an attempt whose password was not checked.
func (t *throttle) undo(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range a.limits() {
		t.counters[l.pool].Undo(l.name)
	}
}

// succeed takes back an attempt with the correct password, and resets the counters of
// the account at this network or browser.
func (t *throttle) succeed(a attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range a.limits() {
		if l.pool == accountPool || l.pool == networkPool {
			t.counters[l.pool].Undo(l.name)
		} else {
			t.counters[l.pool].Reset(l.name)
		}
	}
}

// resetAccount resets all counters of an account.
func (t *throttle) resetAccount(email string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account := strings.ToLower(email)
	t.counters[accountPool].Reset(account)
	for _, p := range []pool{browserPool, accountNetworkPool} {
		t.counters[p].ResetFunc(func(key string) bool { return strings.HasSuffix(key, " "+account) })
	}
}
