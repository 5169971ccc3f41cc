package deliver

import (
	"cmp"
	"time"
)

// Limits of concurrent sends per channel.
const (
	// A fast channel gets one alert at a time. The next is sent after the result of
	// the previous one is on disk, so a crash repeats at most one alert of the
	// channel.
	fastChannelSlots = 1
	// While a response takes slowSendThreshold or longer, the channel gets up to
	// slowChannelSlots: with one at a time, a long queue would take too long.
	slowSendThreshold = 500 * time.Millisecond
	slowChannelSlots  = 8
	// One in reservedShare slots is reserved for channels that are not slow:
	// channels that hang would otherwise take all slots and delay the others.
	reservedShare = 8
)

// slots computes how many more alerts each channel may get in a run.
type slots struct {
	now          time.Time
	startTimes   map[string][]time.Time // start times of sends that are not recorded yet, by channel
	total        int                    // free slots of all channels together
	reserved     int                    // of total, reserved for fast channels
	slowChannels map[string]bool        // channels whose last send was slow
}

// countSlots counts the sends in progress, without the results that this run records.
func (c *Dispatcher) countSlots(recorded []sendResult, now time.Time) slots {
	done := map[string]bool{}
	for _, r := range recorded {
		done[r.alert.ID] = true
		if r.duration >= slowSendThreshold {
			c.slowChannels[r.channel.ID] = true
		} else {
			delete(c.slowChannels, r.channel.ID)
		}
	}
	places := cmp.Or(c.MaxConcurrent, defaultMaxConcurrent)
	l := slots{now: now, startTimes: map[string][]time.Time{}, total: places, reserved: places / reservedShare, slowChannels: c.slowChannels}
	slow := 0
	for alert, s := range c.active {
		if done[alert] {
			continue
		}
		l.startTimes[s.channel] = append(l.startTimes[s.channel], s.startedAt)
		if now.Sub(s.startedAt) < defaultSendTimeout {
			l.total--
		} else {
			slow++ // counts separately, so a slow mail server does not delay other channels
		}
	}
	l.total -= max(0, slow-places)
	return l
}

// available returns how many more alerts a channel may get after this run has
// claimed taken alerts.
func (l slots) available(channel string, taken int) int {
	if slow := l.slowFrom(channel); !slow.IsZero() && !slow.After(l.now) {
		return min(slowChannelSlots-len(l.startTimes[channel]), l.total-taken-l.reserved)
	}
	reserve := 0
	if l.slowChannels[channel] { // probably slow again
		reserve = l.reserved
	}
	return min(fastChannelSlots-len(l.startTimes[channel]), l.total-taken-reserve)
}

// slowFrom returns when the oldest send of a channel in progress counts as slow, or
// the zero time if none is in progress.
func (l slots) slowFrom(channel string) time.Time {
	var oldest time.Time
	for _, begun := range l.startTimes[channel] {
		oldest = earliest(oldest, begun)
	}
	if oldest.IsZero() {
		return oldest
	}
	return oldest.Add(slowSendThreshold)
}
