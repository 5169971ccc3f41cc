package load

import (
	"math"
	"slices"
	"time"
)

// Latencies are durations in nanoseconds.
type Latencies []int64

// At returns the quantile q, from 0 to 1, by the nearest rank: a duration that
// occurred, or 0 if there are no durations.
func (l Latencies) At(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	if !slices.IsSorted(l) {
		slices.Sort(l)
	}
	rank := int(math.Ceil(q*float64(len(l)))) - 1
	return time.Duration(l[min(max(rank, 0), len(l)-1)])
}

// Median returns the middle value, or the lower of the two middle values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// MS returns a duration in milliseconds.
func MS(d time.Duration) float64 { return d.Seconds() * 1000 }
