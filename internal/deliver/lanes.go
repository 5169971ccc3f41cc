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
	quickLanes = 1
	// While an answer takes slowSend or longer, the channel gets up to slowLanes:
	// with one at a time, a long queue would take too long.
	slowSend  = 500 * time.Millisecond
	slowLanes = 8
	// One in reservedPart places is for channels that are not slow: channels that
	// hang would otherwise take all, and delay the first attempts of the others.
	reservedPart = 8
)

// lanes computes how many more alerts each channel may get in a turn.
type lanes struct {
	now      time.Time
	underway map[string][]time.Time // when each send that is not noted yet began, by channel
	all      int                    // places left for all channels together
	reserve  int                    // of them, those that slow channels may not take
	slow     map[string]bool        // channels whose last send was slow
}

// lanes counts the sends in progress, without the results that this turn records.
func (c *Courier) lanes(noted []result, now time.Time) lanes {
	done := map[string]bool{}
	for _, r := range noted {
		done[r.alert.ID] = true
		if r.took >= slowSend {
			c.slow[r.channel.ID] = true
		} else {
			delete(c.slow, r.channel.ID)
		}
	}
	places := cmp.Or(c.Most, mostAtOnce)
	l := lanes{now: now, underway: map[string][]time.Time{}, all: places, reserve: places / reservedPart, slow: c.slow}
	slow := 0
	for alert, s := range c.sends {
		if done[alert] {
			continue
		}
		l.underway[s.channel] = append(l.underway[s.channel], s.begun)
		if now.Sub(s.begun) < longestSend {
			l.all--
		} else {
			slow++ // moves to a separate place, so that a slow mail server does not delay other channels
		}
	}
	l.all -= max(0, slow-places)
	return l
}

// free returns how many more alerts a channel may get after this turn has taken
// taken of all places.
func (l lanes) free(channel string, taken int) int {
	if slow := l.slowAt(channel); !slow.IsZero() && !slow.After(l.now) {
		return min(slowLanes-len(l.underway[channel]), l.all-taken-l.reserve)
	}
	reserve := 0
	if l.slow[channel] { // it will probably be slow again
		reserve = l.reserve
	}
	return min(quickLanes-len(l.underway[channel]), l.all-taken-reserve)
}

// slowAt returns when the oldest send of a channel in progress counts as slow, or
// the zero time if none is in progress.
func (l lanes) slowAt(channel string) time.Time {
	var oldest time.Time
	for _, begun := range l.underway[channel] {
		oldest = earlier(oldest, begun)
	}
	if oldest.IsZero() {
		return oldest
	}
	return oldest.Add(slowSend)
}
