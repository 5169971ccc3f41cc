package schedule

import (
	"iter"
	"math/bits"
)

// set is a set of small numbers, 0 to 63: minutes, hours, days or months.
type set uint64

// numbers returns those from lo to hi, both included.
func numbers(lo, hi int) set {
	var s set
	for n := lo; n <= hi; n++ {
		s = s.with(n)
	}
	return s
}

// The members must lie between 0 and 63; first and last need at least one.

func (s set) with(n int) set { return s | 1<<uint(n) }
func (s set) has(n int) bool { return s>>uint(n)&1 == 1 }
func (s set) size() int      { return bits.OnesCount64(uint64(s)) }
func (s set) first() int     { return bits.TrailingZeros64(uint64(s)) }
func (s set) last() int      { return 63 - bits.LeadingZeros64(uint64(s)) }

// from returns the members that are n or more.
func (s set) from(n int) set {
	if n > 63 {
		return 0
	}
	return s &^ (1<<uint(n) - 1)
}

// upTo returns the members that are n or less.
func (s set) upTo(n int) set {
	if n < 0 {
		return 0
	}
	return s &^ s.from(n+1)
}

// all yields the members in rising order.
func (s set) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(s.first()) {
				return
			}
		}
	}
}
