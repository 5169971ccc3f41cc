package heartbeatview

import (
	"strings"
	"time"

	"overdue/internal/web/view/ui"
)

// sparkPoints is the maximum number of points of the sparkline.
const sparkPoints = 16

// DurationSparkline has the recent run times, oldest first. It shows the last 16.
type DurationSparkline []time.Duration

func (s DurationSparkline) newestRuns() DurationSparkline { return s[max(0, len(s)-sparkPoints):] }

// point returns the position of the i-th run on a canvas of 72 × 18. The longest
// run is at y 3, a run time of 0 at y 15.
func (s DurationSparkline) point(i int) (x, y string) {
	shown := s.newestRuns()
	longest := time.Duration(1)
	for _, d := range shown {
		longest = max(longest, d)
	}
	step := 68.0 / (sparkPoints - 1)
	px := 69 - step*float64(len(shown)-1-i)
	py := 15 - 12*float64(shown[i])/float64(longest)
	return ui.Decimals(px, 1), ui.Decimals(py, 1)
}

func (s DurationSparkline) points() string {
	var p []string
	for i := range s.newestRuns() {
		x, y := s.point(i)
		p = append(p, x+","+y)
	}
	return strings.Join(p, " ")
}

// end returns the position of the newest run.
func (s DurationSparkline) end() (x, y string) { return s.point(len(s.newestRuns()) - 1) }

func (s DurationSparkline) endX() string { x, _ := s.end(); return x }

func (s DurationSparkline) endY() string { _, y := s.end(); return y }

// last returns the newest run time.
func (s DurationSparkline) last() time.Duration { return s[len(s)-1] }
