package app

import "testing"

func TestCollectorPercent_LimitsTheGarbageAndIgnoresTheIndex(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, index int64
		inBurst     bool
		want        int
	}{
		{0, 0, true, gcPercent},
		{20 * mb, 0, true, gcPercent},
		{20 * mb, mb, true, 550},
		{140 * mb, 120 * mb, true, 75},
		{121 * mb, 120 * mb, true, minGCPercent},
		{100 * mb, 0, true, 125},
		{200 * mb, 100 * mb, true, 50},
		{20 * mb, 25 * mb, true, gcPercent}, // loaded after the last collection
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
