package deliver

import (
	"cmp"
	"time"

	"overdue/internal/notify"
	"overdue/internal/store"
)

// Limits of concurrent sends per channel.
const (
	// While a response takes slowSendThreshold or longer, the channel gets up to
	// slowChannelSlots: with one at a time, a long queue would take too long.
	slowSendThreshold = 500 * time.Millisecond
	slowChannelSlots  = 8
	// One in reservedShare slots is reserved for channels that are not slow:
	// channels that hang would otherwise take all slots and delay the others. One
	// channel gets no more than this share.
	reservedShare = 8
	// queueDelay is the time by which a send may exceed twice the shortest one before
	// the receiver counts as overloaded.
	queueDelay = 100 * time.Millisecond
	// A send that takes longer than the shortest one raises the shortest duration by
	// 1/shortestShare of the difference.
	shortestShare = 256
	// A channel without sends for windowLifetime starts with one at a time again.
	windowLifetime = time.Minute
	// Every oldestShare-th claim of a single alert takes the one that has been due longest.
	oldestShare = 4
)

// window is the number of concurrent sends through one channel. It grows by one for each
// answer while the receiver answers quickly, and shrinks if the receiver slows down,
// reports an error, or does not answer.
//
//	1 ── 2 ── 4 ── 8 … threshold ── +1 per window … maximum
//	429, 5xx: half        slower: three quarters        no answer: 1
//
// Sends whose results are not recorded count. If the process is killed, they are sent
// again, so the maximum bounds the duplicates.
type window struct {
	size      float64
	threshold float64       // below it, the window doubles in the time of one send; 0: no threshold
	shortest  time.Duration // duration of a send that did not wait for others
	shrunkAt  time.Time     // results of sends that started earlier do not shrink it again
	slow      bool          // the last send was slow
	usedAt    time.Time
	claims    int // number of claims of a single alert
}

// newWindow returns the window of a channel whose receiver is not known yet.
func newWindow() *window { return &window{size: 1} }

// record adapts the window to the result of a send. busy means that the window was full.
func (w *window) record(r sendResult, busy bool, now time.Time) {
	w.slow, w.usedAt = r.duration >= slowSendThreshold, now
	failure, failed := SendErrorOf(r.err)
	switch {
	case failed && failure.Status == 0 && !failure.Permanent:
		w.shrink(r, 1, now)
	case failed && !failure.Permanent:
		w.shrink(r, w.size/2, now)
	case failed: // a permanent error is about this alert, not about the load
	case w.shortest > 0 && r.duration > 2*w.shortest+queueDelay:
		w.shrink(r, w.size*3/4, now)
	case busy && !w.slow && (w.threshold == 0 || w.size < w.threshold):
		w.size++
	case busy && !w.slow:
		w.size += 1 / w.size
	}
	switch {
	case failed:
	case w.shortest == 0:
		w.shortest = max(r.duration, 1)
	default:
		// It rises slowly, so that a receiver that has become permanently slower no longer
		// counts as overloaded after a while.
		w.shortest = max(1, min(r.duration, w.shortest+(r.duration-w.shortest)/shortestShare))
	}
}

// shrink reduces the window, once for all sends that were in progress together.
func (w *window) shrink(r sendResult, size float64, now time.Time) {
	if r.startedAt.Before(w.shrunkAt) {
		return
	}
	w.threshold = max(w.size/2, 1)
	w.size, w.shrunkAt = max(size, 1), now
}

// slots computes how many more alerts each channel may get in a run.
type slots struct {
	now        time.Time
	startTimes map[string][]time.Time // start times of sends that are not recorded yet, by channel
	total      int                    // free slots of all channels together
	reserved   int                    // of total, reserved for fast channels
	windows    map[string]*window
}

// countSlots counts the sends in progress, without the results that this run records.
func (c *Dispatcher) countSlots(recorded []sendResult, now time.Time) slots {
	all := cmp.Or(c.MaxConcurrent, defaultMaxConcurrent)
	l := slots{
		now: now, startTimes: map[string][]time.Time{}, total: all, reserved: all / reservedShare, windows: c.windows,
	}
	done := map[string]bool{}
	for _, r := range recorded {
		done[r.alert.ID] = true
	}
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
	l.total -= max(0, slow-all)
	return l
}

// adaptWindows adapts the windows of the channels to the results that arrived since the
// last run, and forgets the windows of channels without sends.
func (c *Dispatcher) adaptWindows(now time.Time) {
	used := map[string]int{} // sends in progress while the results arrived
	for _, s := range c.active {
		used[s.channel]++
	}
	busy := map[string]bool{} // channels that used their whole window
	for channel, n := range used {
		w := c.windows[channel]
		busy[channel] = w == nil || n >= int(w.size)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range c.completed {
		if r.adapted {
			continue
		}
		c.completed[i].adapted = true
		w := c.window(r.channel.ID)
		w.record(r, busy[r.channel.ID], now)
		w.size = min(w.size, float64(c.maxWindow(r.channel.Kind)))
	}
	for id, w := range c.windows {
		if used[id] == 0 && now.Sub(w.usedAt) > windowLifetime {
			delete(c.windows, id)
		}
	}
}

// maxWindow returns the maximum size of the windows of a kind of channel. For a kind without
// MaxConcurrent it is 1: the next alert is sent after the result of the previous one is on
// disk.
func (c *Dispatcher) maxWindow(kind string) int {
	k, _ := notify.KindOf(kind)
	return max(1, min(k.MaxConcurrent, cmp.Or(c.MaxConcurrent, defaultMaxConcurrent)/reservedShare))
}

// window returns the window of a channel.
func (c *Dispatcher) window(channel string) *window {
	w := c.windows[channel]
	if w == nil {
		w = newWindow()
		c.windows[channel] = w
	}
	return w
}

// available returns how many more alerts a channel may get after this run has
// claimed taken alerts.
func (l slots) available(channel, kind string, taken int) int {
	busy := len(l.startTimes[channel])
	if kind == store.CanaryKind { // it proves that the node delivers, so it waits for no other
		return 1 - busy
	}
	limit := 1
	if w := l.windows[channel]; w != nil {
		limit = int(w.size)
	}
	if slow := l.slowFrom(channel); !slow.IsZero() && !slow.After(l.now) {
		return min(max(limit, slowChannelSlots)-busy, l.total-taken-l.reserved)
	}
	reserve := 0
	if w := l.windows[channel]; w != nil && w.slow { // probably slow again
		reserve = l.reserved
	}
	return min(limit-busy, l.total-taken-reserve)
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
