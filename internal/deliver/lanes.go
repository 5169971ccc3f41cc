package deliver

import "time"

// How many alerts of a channel are under way.
const (
	// A channel that answers quickly gets one alert at a time: the next is sent
	// when it is on disk that the one before was, so that a process that dies
	// has at most one alert of the channel to send again.
	quickLanes = 1
	// While an answer takes slowSend or longer, the channel gets more: one at a
	// time, a long queue would wait for too long.
	slowSend  = 100 * time.Millisecond
	slowLanes = 8
)

// lanes tells how many more alerts each channel may get in a turn.
type lanes struct {
	now      time.Time
	underway map[string][]time.Time // when each send that is not noted yet began, by channel
	all      int                    // places left for all channels together
}

// lanes counts what is under way, without the results that this turn notes.
func (c *Courier) lanes(noted []result, now time.Time) lanes {
	done := map[string]bool{}
	for _, r := range noted {
		done[r.alert.ID] = true
	}
	l := lanes{now: now, underway: map[string][]time.Time{}, all: mostAtOnce}
	if c.Most > 0 {
		l.all = c.Most
	}
	for alert, s := range c.sends {
		if !done[alert] {
			l.underway[s.channel] = append(l.underway[s.channel], s.begun)
			l.all--
		}
	}
	return l
}

// free is how many places a channel has, when taken were taken in this turn.
func (l lanes) free(channel string, taken int) int {
	most := quickLanes
	if slow := l.slowAt(channel); !slow.IsZero() && !slow.After(l.now) {
		most = slowLanes
	}
	return min(most-len(l.underway[channel]), l.all-taken)
}

// slowAt is when the oldest send of a channel that is under way begins to count
// as slow, zero when none is under way.
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
