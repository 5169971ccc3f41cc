package app

import "testing"

func TestPercentWithIndex_LeavesTheRestOfTheHeapItsRoom(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, index int64
		want        int
	}{
		{20 * mb, 0, gcPercent},
		{20 * mb, mb, gcPercent},
		{140 * mb, 120 * mb, 75},
		{200 * mb, 100 * mb, 300},
		{121 * mb, 120 * mb, minGCPercent},
		{100 * mb, 120 * mb, gcPercent}, // loaded after the last collection
	} {
		if got := percentWithIndex(c.live, c.index); got != c.want {
			t.Errorf("%d of %d MB: %d; want %d", c.index/mb, c.live/mb, got, c.want)
		}
	}
}
