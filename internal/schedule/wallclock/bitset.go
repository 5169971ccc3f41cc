package wallclock

import (
	"iter"
	"math/bits"
)

// Bitset is a set of numbers from 0 to 63: minutes, hours, days or months.
type Bitset uint64

// BitsetOf returns the numbers from lo to hi, both included.
func BitsetOf(lo, hi int) Bitset {
	var s Bitset
	for n := lo; n <= hi; n++ {
		s = s.With(n)
	}
	return s
}

// The members must lie between 0 and 63; first and last need at least one.

func (s Bitset) With(n int) Bitset { return s | 1<<uint(n) }
func (s Bitset) Has(n int) bool    { return s>>uint(n)&1 == 1 }
func (s Bitset) Size() int         { return bits.OnesCount64(uint64(s)) }
func (s Bitset) First() int        { return bits.TrailingZeros64(uint64(s)) }
func (s Bitset) Last() int         { return 63 - bits.LeadingZeros64(uint64(s)) }

// From returns the members that are n or more.
func (s Bitset) From(n int) Bitset {
	if n > 63 {
		return 0
	}
	return s &^ (1<<uint(n) - 1)
}

// UpTo returns the members that are n or less.
func (s Bitset) UpTo(n int) Bitset {
	if n < 0 {
		return 0
	}
	return s &^ s.From(n+1)
}

// All yields the members in ascending order.
func (s Bitset) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(s.First()) {
				return
			}
		}
	}
}
