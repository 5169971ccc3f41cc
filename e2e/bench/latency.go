package main

import (
	"math"
	"slices"
	"time"
)

// latencies are durations in nanoseconds.
type latencies []int64

// at returns the quantile q, from 0 to 1, by the nearest rank: a duration that
// occurred. Of nothing it is 0.
func (l latencies) at(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l) // sorted once, the next time there is nothing to do
	rank := int(math.Ceil(q*float64(len(l)))) - 1
	return time.Duration(l[min(max(rank, 0), len(l)-1)])
}

// median is the middle of the values, or the lower of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// ms is a duration in milliseconds.
func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
