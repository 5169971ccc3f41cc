package app

import (
	"testing"
	"time"
)

func TestCollectorPercent_LimitsTheGarbageAndIgnoresTheIndex(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, index int64
		inBurst     bool
		want        int
	}{
		{0, 0, true, gcPercent},
		{10 * mb, 0, true, gcPercent},
		{20 * mb, 0, true, 300},
		{25 * mb, 15 * mb, true, 225},
		{121 * mb, 120 * mb, true, minGCPercent},
		{100 * mb, 0, true, 50},
		{10 * mb, 25 * mb, true, gcPercent}, // loaded after the last collection
		{1000 * mb, 0, true, minGCPercent},
		{20 * mb, 0, false, idleGCPercent},
		{40 * mb, 20 * mb, false, 50},
		{1000 * mb, 0, false, minGCPercent},
	} {
		if got := collectorPercent(c.live, c.index, c.inBurst); got != c.want {
			t.Errorf("%d of %d MB, in a burst %v: %d; want %d", c.index/mb, c.live/mb, c.inBurst, got, c.want)
		}
	}
}

func TestBurst_ItsHeartbeatsAreForgottenTwoMinutesAfterIt(t *testing.T) {
	var b burst
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for n, c := range []struct {
		pings           int64
		after           time.Duration
		release, forget bool
	}{
		{0, time.Second, false, false},
		{burstStart + 1, time.Second, false, false},
		{burstEnd, time.Second, false, false}, // it continues
		{burstEnd - 1, time.Second, true, false},
		{0, statesKept - time.Second, false, false},
		{burstStart + 1, 2 * time.Second, false, false}, // the next one finds them
		{0, time.Second, true, false},
		{burstEnd, statesKept, true, true},
		{0, statesKept, false, false},
	} {
		now = now.Add(c.after)
		if release, forget := b.observe(c.pings, now); release != c.release || forget != c.forget {
			t.Errorf("interval %d: release %v, forget %v; want %v, %v", n, release, forget, c.release, c.forget)
		}
	}
}
