package web

import (
	"sync"
	"time"
)

// Feed passes on which heartbeats look different now, from the parts of the
// program that change them to the live streams of open pages. The zero Feed is
// ready for use.
//
// It carries keys and no facts: a stream reads for itself, so that nothing is
// told past the rights of who looks, and a thousand changes are one reading. It
// never blocks and never waits: who is poked already is not poked again.
type Feed struct {
	// MaxLivePages is how many pages are live at a time on this node, 1,000 if it
	// is 0.
	MaxLivePages int
	// Rejected is called for each live page above a limit. It may be nil.
	Rejected func(from string)

	mu            sync.Mutex
	subscriptions map[int64]map[*subscription]bool // by the key of the heartbeat
	closed        bool
}

// subscription is one stream that receives events of some heartbeats.
type subscription struct {
	Subscriber
	keys    []int64
	started time.Time
	wake    chan struct{} // holds one
	done    chan struct{} // closed when the stream must end
}

// Subscriber is whose stream it is: a person, at an address.
type Subscriber struct{ Person, Address string }

// Changed tells the streams that show any of the heartbeats.
func (f *Feed) Changed(keys []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		for e := range f.subscriptions[key] {
			select {
			case e.wake <- struct{}{}:
			default: // it has not listened yet to the poke before
			}
		}
	}
}

// subscribe subscribes a stream to heartbeats. If a limit of live pages is reached, it
// returns an error with advice.
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
	e := &subscription{Subscriber: by, keys: keys, started: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{})}
	f.add(e)
	return e, nil
}

// everySubscription stands for no heartbeat: the ears under it are found when the server
// stops, also those that hear of none.
const everySubscription = 0

// add enters an ear under all of its keys.
func (f *Feed) add(e *subscription) {
	for _, key := range append([]int64{everySubscription}, e.keys...) {
		if f.subscriptions[key] == nil {
			f.subscriptions[key] = map[*subscription]bool{}
		}
		f.subscriptions[key][e] = true
	}
}

// unsubscribe ends what listen began.
func (f *Feed) unsubscribe(e *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(e)
}

// remove takes an ear from under all of its keys.
func (f *Feed) remove(e *subscription) {
	for _, key := range append([]int64{everySubscription}, e.keys...) {
		if delete(f.subscriptions[key], e); len(f.subscriptions[key]) == 0 {
			delete(f.subscriptions, key)
		}
	}
}

// Close ends all streams and rejects new ones: a server that stops does not wait
// for pages that stay open.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	for e := range f.subscriptions[everySubscription] {
		close(e.done)
	}
}
