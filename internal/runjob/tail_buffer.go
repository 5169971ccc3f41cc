package runjob

import (
	"sync"

	"overdue/client"
)

// TailBuffer keeps the last bytes that were written to it, for the body of a ping. Both
// streams of a job write to one buffer, so it has the order of a terminal.
type TailBuffer struct {
	limit int

	mu   sync.Mutex
	kept []byte // up to twice the limit, so that most writes only append
}

func NewTailBuffer(limit int) *TailBuffer { return &TailBuffer{limit: limit} }

// Write never fails.
func (t *TailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	enough := t.limit + 1 // one byte more than is returned shows that there was more
	t.kept = append(t.kept, p[max(0, len(p)-enough):]...)
	if len(t.kept) > 2*enough {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-enough:]...)
	}
	return len(p), nil
}

// Bytes returns a copy of the last bytes.
func (t *TailBuffer) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte{}, client.Tail(t.kept, t.limit)...)
}
