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

	mu     sync.Mutex
	ears   map[int64]map[*ear]bool // by the key of the heartbeat
	closed bool
}

// ear is one stream that receives events of some heartbeats.
type ear struct {
	owner
	keys  []int64
	began time.Time
	poke  chan struct{} // holds one
	end   chan struct{} // closed when the stream must end
}

// owner is whose stream it is: a person, at an address.
type owner struct{ person, address string }

// Changed tells the streams that show any of the heartbeats.
func (f *Feed) Changed(keys []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		for e := range f.ears[key] {
			select {
			case e.poke <- struct{}{}:
			default: // it has not listened yet to the poke before
			}
		}
	}
}

// listen subscribes a stream to heartbeats. If a limit of live pages is reached, it
// returns an error with advice.
func (f *Feed) listen(by owner, keys []int64) (*ear, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, noPlace("The server is stopping. Reload the page in a moment.")
	}
	if err := f.makePlace(by); err != nil {
		if f.Rejected != nil {
			f.Rejected(by.address)
		}
		return nil, err
	}
	if f.ears == nil {
		f.ears = map[int64]map[*ear]bool{}
	}
	e := &ear{owner: by, keys: keys, began: time.Now(), poke: make(chan struct{}, 1), end: make(chan struct{})}
	f.hear(e)
	return e, nil
}

// allKeys stands for no heartbeat: the ears under it are found when the server
// stops, also those that hear of none.
const allKeys = 0

// hear enters an ear under all of its keys.
func (f *Feed) hear(e *ear) {
	for _, key := range append([]int64{allKeys}, e.keys...) {
		if f.ears[key] == nil {
			f.ears[key] = map[*ear]bool{}
		}
		f.ears[key][e] = true
	}
}

// forget ends what listen began.
func (f *Feed) forget(e *ear) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(e)
}

// remove takes an ear from under all of its keys.
func (f *Feed) remove(e *ear) {
	for _, key := range append([]int64{allKeys}, e.keys...) {
		if delete(f.ears[key], e); len(f.ears[key]) == 0 {
			delete(f.ears, key)
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
	for e := range f.ears[allKeys] {
		close(e.end)
	}
}
