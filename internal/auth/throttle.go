package auth

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// How often a password may be wrong within a window.
const (
	throttleWindow = 15 * time.Minute
	maxPerPair     = 10  // for one account, from one network; also from one known browser
	maxPerAccount  = 100 // for one account, from everywhere, before answers are delayed
	maxPerNetwork  = 50  // for all accounts, from one network
	siteFactor     = 10  // a /48 of IPv6 may do as much as this many /64
)

// How long an answer is delayed once an account had too many tries: one second,
// doubled with every further delayStep tries.
const (
	minDelay  = time.Second
	maxDelay  = 16 * time.Second
	delayStep = 50
)

// pool is a set of counters with a separate bound: a full pool does not evict
// counters of another pool.
type pool int

// The pools. Tries for addresses without an account are counted like others,
// so that answers are the same, but apart from them: there are more of those
// addresses than any memory holds.
const (
	browserPool pool = iota
	accountPool
	accountNetworkPool
	unknownAccountPool
	unknownAccountNetworkPool
	networkPool
	poolCount // how many there are
)

// maxCounters bounds each pool.
const maxCounters = 10_000

// attempt is one attempt to authenticate with a password.
type attempt struct {
	email   string
	exists  bool   // the address has an account
	address string // that the request comes from
	// browser is the name of a browser that signed in to this account within the
	// last 30 days, or "". Its attempts are counted separately.
	browser string
}

// throttle counts wrong passwords. It counts on this node alone, and forgets
// when the node stops: what it prevents takes far longer. It is safe for
// concurrent use.
type throttle struct {
	mu       sync.Mutex
	counters [poolCount]map[string]*counter
}

// counter is how often something happened since a moment.
type counter struct {
	n    int
	ends time.Time
}

// newThrottle returns one that has counted nothing.
func newThrottle() *throttle {
	t := &throttle{}
	for p := range t.counters {
		t.counters[p] = map[string]*counter{}
	}
	return t
}

// limit is one counter that an attempt increments.
type limit struct {
	pool   pool
	name   string
	max    int
	delays bool // beyond max, answers are delayed instead of refused
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
		times := 1
		if n > 0 {
			times = siteFactor
		}
		all = append(all, limit{pairs, network + " " + account, times * maxPerPair, false}, limit{networkPool, network, times * maxPerNetwork, false})
	}
	return all
}

// networksOf are what one party has as a rule: an IPv4 address, or a /64 of
// IPv6, or the /48 around it.
func networksOf(address string) []string {
	addr, err := netip.ParseAddr(address)
	if err != nil || addr.Is4() {
		return []string{address}
	}
	var all []string
	for _, bits := range []int{64, 48} {
		if p, err := addr.Prefix(bits); err == nil {
			all = append(all, p.String())
		}
	}
	return all
}

// reserve counts an attempt. rest is how long to wait when it is one too many, and
// must be refused; delay is how long its answer must take. A try is counted
// before it is known to be wrong, so that many at once are no way around.
func (t *throttle) reserve(a attempt, now time.Time) (rest, delay time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := a.limits()
	for _, l := range all {
		c := t.counters[l.pool][l.name]
		if c == nil || !now.Before(c.ends) || c.n < l.max {
			continue
		}
		if l.delays {
			delay = max(delay, min(minDelay<<min((c.n-l.max)/delayStep, 10), maxDelay))
		} else {
			rest = max(rest, c.ends.Sub(now))
		}
	}
	if rest > 0 {
		return rest, 0
	}
	for _, l := range all {
		t.count(l, now)
	}
	return 0, delay
}

// count adds one to a counter, which begins when it is not there or has ended.
func (t *throttle) count(l limit, now time.Time) {
	c := t.counters[l.pool][l.name]
	if c == nil || !now.Before(c.ends) {
		t.makeRoom(l.pool, now)
		c = &counter{ends: now.Add(throttleWindow)}
		t.counters[l.pool][l.name] = c
	}
	c.n++
}

// makeRoom keeps a pool bounded: it drops expired counters, and if that is not
// enough, the quarter with the lowest counts. It drops a quarter at once because
// each pass over the pool takes a millisecond.
func (t *throttle) makeRoom(p pool, now time.Time) {
	counters := t.counters[p]
	if len(counters) < maxCounters {
		return
	}
	maps.DeleteFunc(counters, func(_ string, c *counter) bool { return !now.Before(c.ends) })
	if len(counters) < maxCounters {
		return
	}
	names := slices.SortedFunc(maps.Keys(counters), func(a, b string) int {
		return cmp.Or(cmp.Compare(counters[a].n, counters[b].n), counters[a].ends.Compare(counters[b].ends))
	})
	for _, name := range names[:maxCounters/4] {
		delete(counters, name)
	}
}

// undo removes an attempt that was not answered.
func (t *throttle) undo(a attempt) { t.release(a, false) }

// succeed takes back the try of whoever knew the password, and forgives what was
// wrong before from there.
func (t *throttle) succeed(a attempt) { t.release(a, true) }

// release removes one attempt from each counter. With pairs, it drops the counters
// of the account at this network or browser.
func (t *throttle) release(a attempt, pairs bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range a.limits() {
		c := t.counters[l.pool][l.name]
		if c == nil {
			continue
		}
		c.n--
		if c.n <= 0 || pairs && l.pool != accountPool && l.pool != networkPool {
			delete(t.counters[l.pool], l.name)
		}
	}
}

// resetAccount drops all counters of an account.
func (t *throttle) resetAccount(email string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account := strings.ToLower(email)
	delete(t.counters[accountPool], account)
	for _, p := range []pool{browserPool, accountNetworkPool} {
		for name := range t.counters[p] {
			if strings.HasSuffix(name, " "+account) {
				delete(t.counters[p], name)
			}
		}
	}
}
