package deliver

import "time"

// How many alerts of a channel are under way.
const (
	// A channel that answers quickly gets one alert at a time: the next is sent
	// when it is on disk that the one before was, so that a process that dies
	// has at most one alert of the channel to send again.
	quickLanes = 1
	// A channel whose last slowInARow answers took slowSend or longer gets more:
	// one at a time, a long queue would wait for too long.
	slowSend   = 100 * time.Millisecond
	slowInARow = 3
	slowLanes  = 8
)

// free tells how many places a channel has, counting those of noted results
// and those taken in this turn.
func (c *Courier) free(noted []result) func(channel string, taken int) int {
	freed := map[string]int{}
	for _, r := range noted {
		freed[r.channel.ID]++
		if r.took >= slowSend {
			c.slow[r.channel.ID]++
		} else {
			delete(c.slow, r.channel.ID)
		}
	}
	most := mostAtOnce
	if c.Most > 0 {
		most = c.Most
	}
	all := most - c.underway + len(noted)
	return func(channel string, taken int) int {
		lanes := quickLanes
		if c.slow[channel] >= slowInARow {
			lanes = slowLanes
		}
		return min(lanes-c.busy[channel]+freed[channel], all-taken)
	}
}
