package schedule

import (
	"iter"
	"math/bits"
)

// bitset is a set of small numbers, 0 to 63: minutes, hours, days or months.
type bitset uint64

// bitsetOf returns those from lo to hi, both included.
func bitsetOf(lo, hi int) bitset {
	var s bitset
	for n := lo; n <= hi; n++ {
		s = s.with(n)
	}
	return s
}

// The members must lie between 0 and 63; first and last need at least one.

func (s bitset) with(n int) bitset { return s | 1<<uint(n) }
func (s bitset) has(n int) bool    { return s>>uint(n)&1 == 1 }
func (s bitset) size() int         { return bits.OnesCount64(uint64(s)) }
func (s bitset) first() int        { return bits.TrailingZeros64(uint64(s)) }
func (s bitset) last() int         { return 63 - bits.LeadingZeros64(uint64(s)) }

// from returns the members that are n or more.
func (s bitset) from(n int) bitset {
	if n > 63 {
		return 0
	}
	return s &^ (1<<uint(n) - 1)
}

// upTo returns the members that are n or less.
func (s bitset) upTo(n int) bitset {
	if n < 0 {
		return 0
	}
	return s &^ s.from(n+1)
}

// all yields the members in rising order.
func (s bitset) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(s.first()) {
				return
			}
		}
	}
}
