// Package urgency is the only place that decides which alerts of a channel are attempted
// first, if many are pending. It is pure: package store stores the urgency of each alert.
//
// Many heartbeats that fail together need many attempts, and all of these are equally
// urgent. An alert that has nothing to do with them must not be one of many. So each
// channel has a bucket of tokens for each cause of incidents. An opening takes one. If
// none is left, the opening is a part of a burst and comes after those that are not:
//
//	network fails ─▶ 20,000 × missed ── 16 ─▶ single openings, by severity ─▶ attempted first
//	                                └─ rest ─▶ openings in bursts, by severity
//	a job fails ───▶ 1 × failure ───────────▶ single openings
package urgency

import (
	"sync"
	"time"

	"overdue/internal/monitor"
)

// The urgencies as they are stored. Rows of versions without urgencies have 0, and
// versions without bursts write 0 to 3.
const (
	critical = iota
	warning
	info
	other // everything that is not an opening
	criticalInBurst
	warningInBurst
	infoInBurst
)

// Order is the order in which the alerts of a channel are attempted: the most urgent first.
// The single openings come first whatever their severity is. They are so few that they delay
// the bursts only for moments.
var Order = []int64{critical, warning, info, criticalInBurst, warningInBurst, infoInBurst, other}

// Of returns the urgency of an alert.
func Of(a monitor.Alert, inBurst bool) int64 {
	var urgency int64
	switch {
	case a.Event == monitor.ChannelFailing, a.Event == monitor.IncidentsGrouped:
		return critical
	case a.Event != monitor.IncidentOpened:
		return other
	case a.Severity == monitor.SeverityWarning:
		urgency = warning
	case a.Severity == monitor.SeverityInfo:
		urgency = info
	}
	if inBurst {
		return urgency + criticalInBurst
	}
	return urgency
}

// The buckets of Bursts. They are so small that a receiver gets all single openings within
// moments, even while the server has much else to do.
const (
	bucketSize = 16
	fillRate   = 20   // tokens per second
	maxBuckets = 1000 // buckets in memory, until the full ones are forgotten
)

// source is what the openings of a burst have in common.
type source struct {
	channel string
	cause   monitor.Cause
}

// bucket is the number of tokens at a time.
type bucket struct {
	tokens float64
	at     time.Time
}

// fill returns the bucket at a later time. If the clock was set back, it gets no tokens.
func (b bucket) fill(now time.Time) bucket {
	return bucket{min(bucketSize, b.tokens+fillRate*max(0, now.Sub(b.at).Seconds())), now}
}

// Bursts tells openings in bursts from single ones. The zero value is ready. The buckets
// are not stored, and each node has its own: they decide only about the order.
type Bursts struct {
	mu      sync.Mutex
	buckets map[source]bucket // those that are not in the map are full
}

// Contains reports whether an incident that opens now belongs to a burst on a channel. It takes
// a token in any case: while a burst continues, none of its openings is a single one.
func (b *Bursts) Contains(channel string, cause monitor.Cause, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := source{channel, cause}
	left, found := b.buckets[s]
	if left = left.fill(now); !found {
		left.tokens = bucketSize
	}
	left.tokens = max(left.tokens-1, -bucketSize)
	if !found && len(b.buckets) >= maxBuckets || b.buckets == nil {
		b.forgetFull(now)
	}
	b.buckets[s] = left
	return left.tokens < 0
}

// forgetFull removes the buckets that are full now, or all if none is.
func (b *Bursts) forgetFull(now time.Time) {
	left := map[source]bucket{}
	for s, one := range b.buckets {
		if one.fill(now).tokens < bucketSize {
			left[s] = one
		}
	}
	if len(left) >= maxBuckets {
		clear(left)
	}
	b.buckets = left
}
