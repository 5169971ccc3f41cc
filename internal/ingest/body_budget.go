package ingest

import (
	"errors"
	"io"
	"sync/atomic"
)

// initialBodyBuffer is the initial buffer size of a body, in bytes.
const initialBodyBuffer = 16 << 10

// BodyBudget limits the memory for request bodies in progress. A request
// reserves memory as bytes arrive, not by its Content-Length.
//
// When the budget is used up, a body is truncated like one that is too long. The
// ping still counts: a signal never depends on its body.
type BodyBudget struct {
	limit int64
	used  atomic.Int64
}

// NewBodyBudget returns a budget, in bytes.
func NewBodyBudget(most int64) *BodyBudget { return &BodyBudget{limit: most} }

// reserve reserves n bytes, or returns false if fewer are free.
func (b *BodyBudget) reserve(n int64) bool {
	if b.used.Add(n) <= b.limit {
		return true
	}
	b.used.Add(-n)
	return false
}

// release releases the bytes that a body reserved.
func (b *BodyBudget) release(body []byte) { b.used.Add(-int64(cap(body))) }

// read returns the first most bytes of a body, or fewer if the budget is used up,
// and whether there may be more. declared is the Content-Length, negative if
// unknown. The caller must release the body, even after an error.
func (b *BodyBudget) read(r io.Reader, declared, most int64) (body []byte, more bool, err error) {
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

// grow enlarges the buffer of a body of at most whole bytes. full reports that the
// budget is used up.
func (b *BodyBudget) grow(body []byte, whole int64) (larger []byte, full bool) {
	size := min(max(2*int64(cap(body)), initialBodyBuffer), whole)
	if size == int64(cap(body)) || !b.reserve(size) {
		return body, true
	}
	larger = make([]byte, len(body), size)
	copy(larger, body)
	b.release(body)
	return larger, false
}
