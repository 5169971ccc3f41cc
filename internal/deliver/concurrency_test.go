package deliver

import (
	"strconv"
	"testing"
	"time"

	"overdue/internal/notify"
)

// answer is the result of a send in the rows below.
type answer struct {
	took time.Duration
	err  error
}

// record lets a receiver give the same answer to full windows, n times. All sends of a
// window start together.
func (w *window) recordWindows(a answer, n int) {
	now := time.Now()
	for range n {
		started := now
		now = now.Add(a.took + time.Millisecond)
		for range int(w.size) {
			w.record(sendResult{startedAt: started, duration: a.took, err: a.err}, true, now)
		}
	}
}

func TestWindow_AdaptsToTheReceiver(t *testing.T) {
	quick := answer{took: 20 * time.Millisecond}
	for name, row := range map[string]struct {
		answer
		windows int
		size    float64
	}{
		"a quick receiver gets twice as many each time": {quick, 3, 128},
		"a busy one half":         {answer{20 * time.Millisecond, &notify.SendError{Status: 429}}, 1, 8},
		"a broken one half":       {answer{20 * time.Millisecond, &notify.SendError{Status: 503}}, 2, 4},
		"one that slows down":     {answer{took: 300 * time.Millisecond}, 1, 12},
		"one without an answer":   {answer{30 * time.Second, &notify.SendError{}}, 1, 1},
		"a rejected alert":        {answer{20 * time.Millisecond, &notify.SendError{Status: 404, Permanent: true}}, 5, 16},
		"one that is always slow": {answer{took: 100 * time.Millisecond}, 1, 32},
	} {
		w := newWindow()
		w.recordWindows(quick, 4)
		if w.size != 16 {
			t.Fatalf("%s: %g after four windows; want 16", name, w.size)
		}
		w.recordWindows(row.answer, row.windows)
		if w.size != row.size {
			t.Errorf("%s: %g; want %g", name, w.size, row.size)
		}
	}
}

func TestWindow_GrowsSlowlyAboveTheSizeAtWhichTheReceiverWasOverloaded(t *testing.T) {
	w := newWindow()
	w.recordWindows(answer{took: 20 * time.Millisecond}, 5)
	w.recordWindows(answer{err: &notify.SendError{}}, 1)
	w.shrunkAt = time.Time{}
	w.recordWindows(answer{took: 20 * time.Millisecond}, 4)
	if w.size != 16 {
		t.Fatalf("%g; want half of the size before, quickly", w.size)
	}
	w.recordWindows(answer{took: 20 * time.Millisecond}, 2)
	if w.size < 17.5 || w.size > 18.5 {
		t.Errorf("%g; want one more for each window", w.size)
	}
}

func TestWindow_DoesNotGrowUnlessItIsUsed(t *testing.T) {
	w := newWindow()
	for range 100 {
		w.record(sendResult{startedAt: time.Now(), duration: time.Millisecond}, false, time.Now())
	}
	if w.size != 1 {
		t.Errorf("%g after single alerts; want 1: a kill would send more of them twice", w.size)
	}
}

func TestMaxWindow_IsThatOfTheKindAndTheShareOfAChannel(t *testing.T) {
	for _, row := range []struct {
		kind         string
		places, want int
	}{
		{"webhook", 0, 32},
		{"email", 0, 1},
		{"canary", 0, 1},
		{"unknown", 0, 1},
		{"webhook", 64, 8},
		{"webhook", 5, 1},
	} {
		now := time.Now()
		c := &Dispatcher{MaxConcurrent: row.places, windows: map[string]*window{}, active: map[string]activeSend{}}
		for range 10 {
			for i := range 100 {
				c.active[strconv.Itoa(i)] = activeSend{channel: "ops"}
				r := sendResult{duration: time.Millisecond}
				r.channel.ID, r.channel.Kind = "ops", row.kind
				c.completed = append(c.completed, r)
			}
			c.adaptWindows(now)
		}
		clear(c.active)
		if got := c.countSlots(nil, now).available("ops", row.kind, 0); got != row.want {
			t.Errorf("%s of %d places: %d at a time; want %d", row.kind, row.places, got, row.want)
		}
	}
}

func TestAdaptWindows_CountsEachResultOnceAndForgetsChannelsWithoutSends(t *testing.T) {
	now := time.Now()
	c := &Dispatcher{windows: map[string]*window{}, active: map[string]activeSend{"a": {channel: "ops"}}}
	r := sendResult{duration: time.Millisecond}
	r.channel.ID, r.channel.Kind = "ops", "webhook"
	c.completed = []sendResult{r}
	c.adaptWindows(now)
	c.adaptWindows(now) // the transaction failed, and the result is recorded again
	if size := c.windows["ops"].size; size != 2 {
		t.Errorf("%g after one answer; want 2", size)
	}
	delete(c.active, "a")
	c.adaptWindows(now.Add(windowLifetime))
	if len(c.windows) != 1 {
		t.Error("the window was forgotten early")
	}
	c.adaptWindows(now.Add(windowLifetime + 1))
	if len(c.windows) != 0 {
		t.Error("the window of a channel without sends is kept")
	}
}

func TestAvailable_TheCanaryWaitsForNoOtherChannel(t *testing.T) {
	c := &Dispatcher{MaxConcurrent: 1, windows: map[string]*window{}, active: map[string]activeSend{"a": {channel: "ops", startedAt: time.Now()}}}
	l := c.countSlots(nil, time.Now())
	if got := l.available("other", "webhook", 0); got > 0 {
		t.Errorf("%d places for a webhook; want none", got)
	}
	if got := l.available("canary-node", "canary", 0); got != 1 {
		t.Errorf("%d places for the canary; want 1", got)
	}
}
