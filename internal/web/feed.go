package web

import "sync"

// Feed passes on which heartbeats look different now, from the parts of the
// program that change them to the live streams of open pages. The zero Feed is
// ready for use.
//
// It carries keys and no facts: a stream reads for itself, so that nothing is
// told past the rights of who looks, and a thousand changes are one reading. It
// never blocks and never waits: who is poked already is not poked again.
type Feed struct {
	mu     sync.Mutex
	ears   map[int64]map[*ear]bool // by the key of the heartbeat
	count  int                     // ears of all
	closed bool
}

// ear is one stream that wants to hear of some heartbeats.
type ear struct {
	keys []int64
	poke chan struct{} // holds one
	end  chan struct{} // closed when the server stops
}

// mostStreams bounds how many pages are live at a time on one node. A page that
// finds no place works as before, and tries again.
const mostStreams = 1000

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

// listen begins to hear of heartbeats, false when there is no place or the
// server stops.
func (f *Feed) listen(keys []int64) (*ear, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.count >= mostStreams {
		return nil, false
	}
	f.count++
	if f.ears == nil {
		f.ears = map[int64]map[*ear]bool{}
	}
	e := &ear{keys: keys, poke: make(chan struct{}, 1), end: make(chan struct{})}
	f.hear(e)
	return e, true
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
	f.count--
	for _, key := range append([]int64{allKeys}, e.keys...) {
		if delete(f.ears[key], e); len(f.ears[key]) == 0 {
			delete(f.ears, key)
		}
	}
}

// Close ends all streams, and refuses new ones: a server that stops does not
// wait for pages that would stay open for ever.
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
