package urgency

import "time"

// Limits of the messages about a storm. Four alone and two groups are few enough to be read, and the
// second group is sent within a minute of the first failure.
const (
	maxAlone    = 4                // alerts of one channel, event and cause that are sent alone within stormWindow
	stormWindow = 10 * time.Second // the time in which alerts are counted, and that ends a storm without alerts
	collectFor  = 30 * time.Second // the time in which one message collects alerts
)

// Storm counts the alerts of one channel, event and cause that became due. The zero value is a calm
// channel. It is stored, so that all nodes count together.
type Storm struct {
	Since time.Time // start of the window
	Alone int       // alerts sent alone in it
	Until time.Time // the storm lasts until then
}

// Add decides how n alerts that are due now are sent: alone, or with one message that is sent at a
// time. The first message of a storm is not delayed: if no alert was sent alone, the group is sent at
// once.
func (s Storm) Add(n int, now time.Time) (next Storm, alone bool, sendAt time.Time) {
	if now.Before(s.Since) { // the clock was set back
		s = Storm{}
	}
	storming := now.Before(s.Until)
	if !storming && now.Sub(s.Since) >= stormWindow {
		s.Since, s.Alone = now, 0
	}
	switch {
	case !storming && s.Alone+n <= maxAlone:
		s.Alone += n
		return s, true, time.Time{}
	case !storming && s.Alone == 0:
		sendAt = now
	default:
		sendAt = now.Add(collectFor)
	}
	s.Until = now.Add(stormWindow)
	return s, false, sendAt
}
