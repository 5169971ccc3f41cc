package live

import (
	"sync"
	"time"
)

// Feed tells streams which heartbeats have changed. The zero Feed is ready for
// use, and safe for concurrent use.
//
// A stream that was woken reads the data itself. So it stays within the rights of
// its person, and many changes need one read.
type Feed struct {
	// MaxPages is the maximum number of live pages on this node. The default is 1,000.
	MaxPages int
	// PollInterval is the interval at which pages look for changes that cause no signal,
	// such as those made by other nodes. The default is 2 s.
	PollInterval time.Duration
	// Rejected is called with the client address for each live page above a limit.
	// It may be nil.
	Rejected func(address string)

	mu            sync.Mutex
	subscriptions map[int64]map[*subscription]bool // by the key of the heartbeat
	closed        bool
}

// Subscriber identifies the owner of a stream for the limits.
type Subscriber struct {
	Person  string
	Address string // empty: the limit per address does not apply
}

// SharedPollInterval is the PollInterval of a node among several. With the maximum age of
// the counts that pages share, a change by another node is shown within a second.
const SharedPollInterval = 600 * time.Millisecond

// subscription is one stream that is woken by changes of some heartbeats.
type subscription struct {
	Subscriber
	keys    []int64
	started time.Time
	wake    chan struct{} // has room for one signal
	done    chan struct{} // is closed when the stream must end
}

// Changed wakes the streams that show any of the heartbeats.
func (f *Feed) Changed(keys []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		for s := range f.subscriptions[key] {
			select {
			case s.wake <- struct{}{}:
			default: // it has not read the previous signal yet
			}
		}
	}
}

// subscribe adds a stream. If a limit is reached, it returns an error with advice
// for the person.
func (f *Feed) subscribe(by Subscriber, keys []int64) (*subscription, error) {
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
		f.subscriptions = map[int64]map[*subscription]bool{}
	}
	s := &subscription{Subscriber: by, keys: keys, started: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{})}
	for _, key := range s.indexKeys() {
		if f.subscriptions[key] == nil {
			f.subscriptions[key] = map[*subscription]bool{}
		}
		f.subscriptions[key][s] = true
	}
	return s, nil
}

// allSubscriptions is the key under which all subscriptions are listed. No
// heartbeat has it.
const allSubscriptions = 0

// indexKeys returns the keys under which the subscription is listed.
func (s *subscription) indexKeys() []int64 { return append([]int64{allSubscriptions}, s.keys...) }

// unsubscribe removes a stream.
func (f *Feed) unsubscribe(s *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(s)
}

// remove removes a subscription from the index.
func (f *Feed) remove(s *subscription) {
	for _, key := range s.indexKeys() {
		if delete(f.subscriptions[key], s); len(f.subscriptions[key]) == 0 {
			delete(f.subscriptions, key)
		}
	}
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
	for s := range f.subscriptions[allSubscriptions] {
		close(s.done)
	}
}
