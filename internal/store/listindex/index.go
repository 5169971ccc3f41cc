package listindex

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Index is the index of one database. The zero Index with its functions is ready for use.
type Index struct {
	// Load reads all heartbeats that are not deleted. It calls part for each part that it reads, in
	// the order of their keys; the parts can be added at the same time, each in the order of its keys.
	Load func(ctx context.Context, part func() (add func(Row))) error
	// Read reads those of the given heartbeats that are not deleted.
	Read func(ctx context.Context, keys []int64, add func(Row)) error
	// Buffered calls add with the states that are committed and that Load and Read do not return. A
	// change that ends later counts, although its transaction can have been in progress. It can be nil.
	Buffered func(ctx context.Context, add func([]State)) error
	// Remote returns what other nodes have changed since the last call. known is false if it
	// does not know; then everything is loaded. It can be nil.
	Remote func(ctx context.Context) (e Effects, known bool, err error)

	active atomic.Bool  // changes are recorded
	bytes  atomic.Int64 // memory of the table

	mu       sync.Mutex      // of the following; held briefly
	change   uint32          // number of the last change
	running  map[uint32]bool // changes that began and did not end
	waiting  []settler
	queue    []queuedState
	rereads  map[int64]int64 // project by key of the heartbeats to read again
	stale    bool            // everything must be loaded again
	loading  *load
	lastUsed time.Time
	draining bool

	tableMu sync.RWMutex // of table; taken before mu
	table   *table       // nil: not loaded
	refresh sync.Mutex   // held while heartbeats are read again
	asked   time.Time    // when Remote was called
}

// queuedState is a state that the table does not have yet.
type queuedState struct {
	State
	change uint32
}

// settler waits for the end of all changes up to one.
type settler struct {
	change uint32
	done   chan struct{}
}

// load is one run of Load, for all callers that wait for it.
type load struct {
	done chan struct{}
	err  error
}

// Limits of the queue and of waits.
const (
	maxQueue   = 1 << 16         // states: more are stored in the background
	maxRereads = 20_000          // heartbeats: if more changed, everything is loaded again
	settleTime = time.Second     // how long a reader waits for the end of commits
	maxLoads   = 3               // in a row, if changes make each outdated at once
	loadLimit  = 2 * time.Minute // for a load that no caller waits for any longer
	// remoteInterval is the time between two calls of Remote. With the time until other nodes
	// publish their changes, lists are about three seconds old at most.
	remoteInterval = time.Second
	// rowsPerCollection is the number of loaded rows after which the garbage of their texts is
	// collected.
	rowsPerCollection = 100_000
)

// Change is a transaction that changes heartbeats, from shortly before its commit until after it.
type Change struct {
	index  *Index
	number uint32
}

// Effects are what a transaction changed.
type Effects struct {
	States  []State         // after all of its pings and evaluations
	Rereads map[int64]int64 // project by key of the heartbeats that were created, edited or deleted
	Unknown bool            // it can have changed others
}

// Active reports whether the index records changes. If not, the next use loads everything.
func (ix *Index) Active() bool { return ix != nil && ix.active.Load() }

// Begin announces a change. The transaction calls it before its commit, while it has locked its
// rows, and then End.
func (ix *Index) Begin() Change {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.change++
	if ix.running == nil {
		ix.running = map[uint32]bool{}
	}
	ix.running[ix.change] = true
	return Change{ix, ix.change}
}

// End records the effects of a change that is committed, or nothing after a rollback.
func (c Change) End(e Effects) {
	ix := c.index
	ix.mu.Lock()
	defer ix.mu.Unlock()
	delete(ix.running, c.number)
	ix.waiting = slices.DeleteFunc(ix.waiting, func(s settler) bool {
		done := !ix.isRunning(s.change)
		if done {
			close(s.done)
		}
		return done
	})
	if !ix.active.Load() {
		return
	}
	ix.appendQueue(e.States, c.number)
	for key, project := range e.Rereads {
		ix.rereads[key] = project
	}
	ix.stale = ix.stale || e.Unknown || len(ix.rereads) > maxRereads
	if len(ix.queue) > maxQueue && !ix.draining && ix.loading == nil {
		ix.draining = true
		go ix.drain()
	}
}

// enqueue queues states as of a change.
func (ix *Index) enqueue(states []State, change uint32) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.appendQueue(states, change)
}

// appendQueue is enqueue. The caller holds mu.
func (ix *Index) appendQueue(states []State, change uint32) {
	for _, s := range states {
		ix.queue = append(ix.queue, queuedState{s, change})
	}
}

// isRunning reports whether a change up to the given one has not ended. The caller holds mu.
func (ix *Index) isRunning(upTo uint32) bool {
	for number := range ix.running {
		if !isOlder(upTo, number) {
			return true
		}
	}
	return false
}

// Update records states that are committed. Two calls for the same heartbeat must not run at the
// same time.
func (ix *Index) Update(states []State) {
	if ix.Active() && len(states) > 0 {
		ix.Begin().End(Effects{States: states})
	}
}

// drain moves the queue to the table.
func (ix *Index) drain() {
	ix.tableMu.Lock()
	defer ix.tableMu.Unlock()
	ix.mu.Lock()
	ix.draining = false
	if ix.table == nil { // while everything is loaded, the queue waits
		ix.mu.Unlock()
		return
	}
	queue := ix.queue
	ix.queue = nil
	ix.mu.Unlock()
	for _, s := range queue {
		if !ix.table.setState(s.State, s.change) && s.Project > 0 {
			ix.readLater(s.Key, s.Project) // it was created, and is being read
		}
	}
}

// readLater makes the next use read a heartbeat again.
func (ix *Index) readLater(key, project int64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.rereads != nil { // it is nil after a release
		ix.rereads[key] = project
	}
}

// settle waits until the changes that have begun before have ended, and returns the number of
// the last one. It reports false if they take too long.
func (ix *Index) settle(ctx context.Context) (change uint32, settled bool, err error) {
	ix.mu.Lock()
	change = ix.change
	if !ix.isRunning(change) {
		ix.mu.Unlock()
		return change, true, nil
	}
	s := settler{change, make(chan struct{})}
	ix.waiting = append(ix.waiting, s)
	ix.mu.Unlock()
	timer := time.NewTimer(settleTime)
	defer timer.Stop()
	select {
	case <-s.done:
		return change, true, nil
	case <-timer.C:
		return change, false, nil
	case <-ctx.Done():
		return change, false, ctx.Err()
	}
}

// Ready returns when the index contains all changes that ended before the call. The first call
// loads everything.
func (ix *Index) Ready(ctx context.Context) error {
	for range maxLoads {
		ix.mu.Lock()
		ix.lastUsed = time.Now()
		l := ix.loading
		if l == nil && (!ix.active.Load() || ix.stale) {
			l = ix.startLoad()
		}
		ix.mu.Unlock()
		if l == nil {
			if current, err := ix.readAgain(ctx); current || err != nil {
				return err
			}
			continue
		}
		select {
		case <-l.done:
			if l.err != nil {
				return l.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// startLoad starts to load everything. The caller holds mu.
func (ix *Index) startLoad() *load {
	l := &load{done: make(chan struct{})}
	ix.loading, ix.queue, ix.rereads, ix.stale = l, nil, map[int64]int64{}, false
	ix.active.Store(true)
	go func() {
		defer close(l.done)
		ctx, cancel := context.WithTimeout(context.Background(), loadLimit)
		defer cancel()
		l.err = ix.load(ctx)
		ix.mu.Lock()
		defer ix.mu.Unlock()
		ix.loading = nil
		if l.err != nil {
			ix.active.Store(false)
			ix.queue, ix.rereads = nil, nil
		}
	}()
	return l
}

// load loads everything. Changes are queued meanwhile.
func (ix *Index) load(ctx context.Context) error {
	ix.tableMu.Lock()
	ix.table = nil // its memory is needed for the new one
	ix.tableMu.Unlock()
	change, settled, err := ix.settle(ctx)
	if err != nil {
		return err
	}
	if ix.Remote != nil {
		ix.refresh.Lock()
		defer ix.refresh.Unlock()
		if _, _, err := ix.Remote(ctx); err != nil { // what others changed before is in the rows
			return err
		}
		ix.asked = time.Now()
	}
	if ix.Buffered != nil {
		if err := ix.Buffered(ctx, func(states []State) { ix.enqueue(states, change) }); err != nil {
			return err
		}
	}
	t, err := ix.loadTable(ctx, change)
	if err != nil {
		return err
	}
	ix.bytes.Store(t.clip())
	ix.tableMu.Lock()
	ix.table = t
	ix.tableMu.Unlock()
	if !settled {
		ix.mu.Lock()
		ix.stale = true // a commit that had begun before may have ended after the rows were read
		ix.mu.Unlock()
	}
	return nil
}

// loadTable reads all heartbeats into a new table.
func (ix *Index) loadTable(ctx context.Context, change uint32) (*table, error) {
	var parts []*table
	var rows atomic.Int64
	err := ix.Load(ctx, func() (add func(Row)) {
		t := newTable()
		parts = append(parts, t)
		return func(r Row) {
			t.put(r, change)
			if rows.Add(1)%rowsPerCollection == 0 {
				runtime.GC() // a server lets its heap grow sevenfold before
			}
		}
	})
	if err != nil {
		return nil, err
	}
	t := newTable()
	for _, part := range parts {
		t.appendTable(part)
	}
	return t, nil
}

// readAgain reads the heartbeats again that were created, edited or deleted, or changed by other
// nodes. It returns false if everything must be loaded again.
func (ix *Index) readAgain(ctx context.Context) (current bool, err error) {
	ix.refresh.Lock()
	defer ix.refresh.Unlock()
	if ix.Remote != nil && time.Since(ix.asked) >= remoteInterval {
		if err := ix.askRemote(ctx); err != nil {
			return false, err
		}
	}
	ix.mu.Lock()
	if ix.stale {
		ix.mu.Unlock()
		return false, nil
	}
	rereads, none := ix.rereads, len(ix.rereads) == 0
	if !none {
		ix.rereads = map[int64]int64{}
	}
	ix.mu.Unlock()
	if none {
		return true, nil
	}
	if err := ix.readKeys(ctx, rereads); err != nil {
		ix.putBack(rereads)
		return false, err
	}
	return true, nil
}

// askRemote records what other nodes changed. The caller holds refresh.
func (ix *Index) askRemote(ctx context.Context) error {
	asked := time.Now()
	e, known, err := ix.Remote(ctx)
	if err != nil {
		return err
	}
	ix.asked = asked
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for key, project := range e.Rereads {
		ix.rereads[key] = project
	}
	ix.stale = ix.stale || e.Unknown || !known || len(ix.rereads) > maxRereads
	return nil
}

// putBack adds heartbeats to those that are read again later.
func (ix *Index) putBack(rereads map[int64]int64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.rereads == nil {
		return
	}
	for key, project := range rereads {
		ix.rereads[key] = project
	}
}

// readKeys reads heartbeats again.
func (ix *Index) readKeys(ctx context.Context, rereads map[int64]int64) error {
	change, settled, err := ix.settle(ctx)
	if err != nil {
		return err
	}
	keys := make([]int64, 0, len(rereads))
	for key := range rereads {
		keys = append(keys, key)
	}
	var rows []Row
	if err := ix.Read(ctx, keys, func(r Row) { rows = append(rows, r) }); err != nil {
		return err
	}
	gone := rereads
	if !settled {
		ix.putBack(rereads)
	}
	ix.tableMu.Lock()
	defer ix.tableMu.Unlock()
	if ix.table == nil {
		return nil
	}
	found := make(map[int64]bool, len(rows))
	for _, r := range rows {
		ix.table.put(r, change)
		found[r.Key] = true
	}
	for key, project := range gone {
		if !found[key] {
			ix.table.remove(project, key)
		}
	}
	return nil
}

// View calls fn with the index, or returns false if it is not loaded. Changes wait in the queue
// meanwhile.
func (ix *Index) View(fn func(View)) bool {
	ix.drain()
	ix.tableMu.RLock()
	defer ix.tableMu.RUnlock()
	if ix.table == nil {
		return false
	}
	fn(View{ix.table})
	return true
}

// Bytes returns the memory of the index as it was loaded.
func (ix *Index) Bytes() int64 { return ix.bytes.Load() }

// ReleaseUnused frees the memory if the index was not used since a time. It reports whether
// it did.
func (ix *Index) ReleaseUnused(since time.Time) bool {
	ix.tableMu.Lock()
	defer ix.tableMu.Unlock()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if !ix.active.Load() || ix.loading != nil || !ix.lastUsed.Before(since) {
		return false
	}
	ix.active.Store(false)
	ix.bytes.Store(0)
	ix.table, ix.queue, ix.rereads, ix.stale = nil, nil, nil, false
	return true
}
