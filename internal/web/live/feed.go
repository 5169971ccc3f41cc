package live

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Feed keeps the views that are open, and refreshes those whose heartbeats have changed.
// The zero Feed is ready for use, and safe for concurrent use.
//
// A change marks the views that show its heartbeat. One goroutine refreshes the marked
// views one after the other, and gives each result to all viewers of the view. So many
// changes need one read, and many viewers need one read and one rendering.
type Feed struct {
	// MaxPages is the maximum number of live pages on this node. The default is 1,000.
	MaxPages int
	// PollInterval is the interval at which pages look for changes that cause no signal,
	// such as those made by other nodes. The default is 2 s.
	PollInterval time.Duration
	// Rejected is called with the client address for each live page above a limit.
	// It may be nil.
	Rejected func(address string)
	// Fingerprints returns the fingerprints of heartbeats by key. The feed compares them at
	// each poll. It may be nil.
	Fingerprints func(ctx context.Context, keys []int64) (map[int64]Fingerprint, error)

	watching  atomic.Bool  // a view shows a heartbeat
	writeTime atomic.Int64 // nanoseconds that streams have written since the last refresh

	mu            sync.Mutex
	subscriptions map[*subscription]bool
	open          []*view
	shared        map[string]*view // the open views with a key
	heartbeats    map[int64]*watched
	wake          chan struct{} // wakes the goroutine that refreshes; nil: it does not run
	cancel        context.CancelFunc
	pollAt        time.Time // of the next comparison of fingerprints
	restUntil     time.Time // until then, only urgent views are refreshed
	closed        bool
}

// Fingerprint changes whenever something about a heartbeat changes.
type Fingerprint struct {
	Pings int64
	Other string // everything except the pings
}

// Subscriber identifies the owner of a stream for the limits.
type Subscriber struct {
	Person  string
	Address string // empty: the limit per address does not apply
}

// SharedPollInterval is the PollInterval of a node among several. With the maximum age of
// the counts that pages share, a change by another node is shown within a second.
const SharedPollInterval = 600 * time.Millisecond

// subscription is one stream: a viewer of a view.
type subscription struct {
	Subscriber
	view    *view
	started time.Time
	updates chan update   // has room for one; the next one replaces it
	done    chan struct{} // is closed when the stream must end
}

// mark says how soon the views of a heartbeat must be refreshed.
type mark int

const (
	unmarked mark = iota
	quiet         // at most once per quietInterval
	urgent        // at most once per urgentInterval
)

// watched is a heartbeat that views show.
type watched struct {
	views []*view
	mark  mark // of all views since the last refresh of one of them
	known bool // print is set
	print Fingerprint
}

// Pinged marks the views of heartbeats that got pings. Their status can be the same.
func (f *Feed) Pinged(keys []int64) { f.mark(keys, quiet) }

// Changed marks the views of heartbeats that changed in another way than by a ping that
// leaves the status as it is.
func (f *Feed) Changed(keys []int64) { f.mark(keys, urgent) }

// mark never blocks for long: it is called for each batch of pings. A heartbeat that is
// marked already costs one look-up.
func (f *Feed) mark(keys []int64, m mark) {
	if !f.watching.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		if w := f.heartbeats[key]; w != nil && w.mark < m {
			w.mark = m
			for _, v := range w.views {
				f.schedule(v, m)
			}
		}
	}
}

// subscribe adds a viewer of a view. If a limit is reached, it returns an error with advice
// for the person.
func (f *Feed) subscribe(by Subscriber, shown *View) (*subscription, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, limitError("The server is stopping. Reload the page in a moment.")
	}
	if err := f.makeRoom(by); err != nil {
		if f.Rejected != nil {
			f.Rejected(by.Address)
		}
		return nil, err
	}
	if f.subscriptions == nil {
		f.subscriptions, f.shared, f.heartbeats = map[*subscription]bool{}, map[string]*view{}, map[int64]*watched{}
	}
	s := &subscription{Subscriber: by, started: time.Now(), updates: make(chan update, 1), done: make(chan struct{})}
	if s.view = f.shared[shown.Key]; s.view == nil {
		s.view = f.add(shown)
	}
	s.view.joining = append(s.view.joining, s)
	f.subscriptions[s] = true
	f.start()
	return s, nil
}

// add opens a view. The caller holds mu.
func (f *Feed) add(shown *View) *view {
	v := &view{View: *shown, digests: map[string]string{}}
	v.pollAt = time.Now().Add(cmp.Or(v.PollInterval, f.pollInterval()))
	f.open = append(f.open, v)
	if v.Key != "" {
		f.shared[v.Key] = v
	}
	v.Keys = slices.Compact(slices.Sorted(slices.Values(v.Keys))) // Snapshot may use the given slice
	for _, key := range v.Keys {
		if f.heartbeats[key] == nil {
			f.heartbeats[key] = &watched{}
			f.watching.Store(true)
		}
		f.heartbeats[key].views = append(f.heartbeats[key].views, v)
	}
	return v
}

// unsubscribe removes a viewer.
func (f *Feed) unsubscribe(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(s)
}

// remove removes a viewer, and the view after its last viewer. The caller holds mu.
func (f *Feed) remove(s *subscription) {
	if !f.subscriptions[s] {
		return
	}
	delete(f.subscriptions, s)
	v := s.view
	v.viewers, v.joining = without(v.viewers, s), without(v.joining, s)
	if len(v.viewers)+len(v.joining) > 0 {
		return
	}
	f.open = without(f.open, v)
	if f.shared[v.Key] == v {
		delete(f.shared, v.Key)
	}
	for _, key := range v.Keys {
		w := f.heartbeats[key]
		if w.views = without(w.views, v); len(w.views) == 0 {
			delete(f.heartbeats, key)
		}
	}
	f.watching.Store(len(f.heartbeats) > 0)
	if len(f.open) == 0 && f.wake != nil {
		f.signal() // nothing is left to refresh
	}
}

// without returns a list without one element.
func without[T comparable](list []T, one T) []T {
	kept := make([]T, 0, len(list))
	for _, other := range list {
		if other != one {
			kept = append(kept, other)
		}
	}
	return kept
}

// Close ends all streams and rejects new ones, so that a stopping server does not
// wait for open pages.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	if f.wake != nil {
		f.cancel()
		f.signal()
	}
	for s := range f.subscriptions {
		close(s.done)
	}
}
