package ingest

import (
	"errors"
	"io"
	"sync/atomic"
)

// firstRead is how much of a body is made room for at first.
const firstRead = 16 << 10

// Bodies bounds how many bytes of bodies are in memory at once, over all
// requests in progress. A request takes its share while bytes arrive, so one
// that announces much and sends little takes little.
//
// When the share of all is used up, a body is cut there, as one that is too
// long. The ping counts all the same: a signal never depends on its payload.
type Bodies struct {
	most int64
	used atomic.Int64
}

// NewBodies makes a budget of so many bytes.
func NewBodies(most int64) *Bodies { return &Bodies{most: most} }

// take reserves n bytes, if there are so many.
func (b *Bodies) take(n int64) bool {
	if b.used.Add(n) <= b.most {
		return true
	}
	b.used.Add(-n)
	return false
}

// give returns the bytes that a body took.
func (b *Bodies) give(body []byte) { b.used.Add(-int64(cap(body))) }

// read returns the first most bytes of a body, or fewer when the budget is used
// up, and whether there may be more. declared is the length of the body, negative
// when nobody has said. The caller gives the body back, also after an error.
func (b *Bodies) read(r io.Reader, declared, most int64) (body []byte, more bool, err error) {
	whole := most
	if declared >= 0 {
		whole = min(declared, most)
	}
	for {
		if len(body) == cap(body) {
			if int64(cap(body)) == whole && whole == declared {
				return body, false, nil
			}
			if body, more = b.grow(body, whole); more {
				return body, true, nil
			}
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, false, nil
		}
		if err != nil {
			return body, false, err
		}
	}
}

// grow makes room for more of a body of at most whole bytes. full says that it
// may not have more.
func (b *Bodies) grow(body []byte, whole int64) (larger []byte, full bool) {
	size := min(max(2*int64(cap(body)), firstRead), whole)
	if size == int64(cap(body)) || !b.take(size) {
		return body, true
	}
	larger = make([]byte, len(body), size)
	copy(larger, body)
	b.give(body)
	return larger, false
}
