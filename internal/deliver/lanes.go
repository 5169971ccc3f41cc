package deliver

import (
	"cmp"
	"time"
)

// Limits of the alerts of one channel that are being sent at a time.
const (
	// A fast channel gets one alert at a time. The next is sent after the result of
	// the previous one is on disk, so that after a crash at most one alert of the
	// channel is sent again.
	fastChannelSlots = 1
	// While an answer takes slowSendThreshold or longer, the channel gets up to slowChannelSlots:
	// with one at a time, a long queue would take too long.
	slowSendThreshold = 500 * time.Millisecond
	slowChannelSlots  = 8
	// One in reservedShare places is for channels that are not slow: channels that
	// hang would otherwise take all, and delay the first attempts of the others.
	reservedShare = 8
)

// slots computes how many more alerts each channel may get in a turn.
type slots struct {
	now          time.Time
	startTimes   map[string][]time.Time // when each send that is not noted yet began, by channel
	total        int                    // places left for all channels together
	reserved     int                    // of them, those that slow channels may not take
	slowChannels map[string]bool        // channels whose last send was slow
}

// countSlots counts the sends in progress, without the results that this turn records.
func (c *Dispatcher) countSlots(noted []sendResult, now time.Time) slots {
	done := map[string]bool{}
	for _, r := range noted {
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
			slow++ // moves to a separate place, so that a slow mail server does not delay other channels
		}
	}
	l.total -= max(0, slow-places)
	return l
}

// available returns how many more alerts a channel may get after this turn has taken
// taken of all places.
func (l slots) available(channel string, taken int) int {
	if slow := l.slowFrom(channel); !slow.IsZero() && !slow.After(l.now) {
		return min(slowChannelSlots-len(l.startTimes[channel]), l.total-taken-l.reserved)
	}
	reserve := 0
	if l.slowChannels[channel] { // it will probably be slow again
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
