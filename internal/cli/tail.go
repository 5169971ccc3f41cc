package cli

import (
	"sync"
	"unicode/utf8"
)

// tail keeps the last bytes that were written to it, for the body of a ping.
// Both streams of a job write to one tail, so it shows what a terminal would.
type tail struct {
	limit int

	mu   sync.Mutex
	kept []byte // up to twice the limit, so that most writes only append
	seen int64  // bytes written in all
}

func newTail(limit int) *tail { return &tail{limit: limit} }

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen += int64(len(p))
	t.kept = append(t.kept, p[max(0, len(p)-t.limit):]...)
	if len(t.kept) > 2*t.limit {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-t.limit:]...)
	}
	return len(p), nil
}

// bytes returns a copy of the end of what was written. Where text had to be
// cut, it is not cut inside a character: half of one would turn the whole body
// into what does not read as text.
func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	end := t.kept[max(0, len(t.kept)-t.limit):]
	if t.seen > int64(t.limit) {
		for i := 0; i < utf8.UTFMax-1 && len(end) > 0 && !utf8.RuneStart(end[0]); i++ {
			end = end[1:]
		}
	}
	return append([]byte{}, end...)
}
