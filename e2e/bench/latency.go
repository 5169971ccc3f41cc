package main

import (
	"math"
	"slices"
	"time"
)

// latencies are durations in nanoseconds.
type latencies []int64

// at returns the quantile q, from 0 to 1, by the nearest rank: a duration that
// occurred, or 0 if there are no durations.
func (l latencies) at(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l) // later calls find it sorted
	rank := int(math.Ceil(q*float64(len(l)))) - 1
	return time.Duration(l[min(max(rank, 0), len(l)-1)])
}

// median returns the middle value, or the lower of the two middle values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// ms returns a duration in milliseconds.
func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
