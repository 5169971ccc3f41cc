package heartbeatview

import (
	"strings"
	"time"

	"overdue/internal/web/view/ui"
)

// sparkPoints is how many durations the small curve shows.
const sparkPoints = 16

// DurationSparkline is the curve of recent run times, oldest first; the last 16 are drawn.
type DurationSparkline []time.Duration

func (s DurationSparkline) shown() DurationSparkline { return s[max(0, len(s)-sparkPoints):] }

// point is the place of the i-th shown run on a canvas of 72 by 18: the longest
// touches y 3, and a run without length would lie at y 15.
func (s DurationSparkline) point(i int) (x, y string) {
	shown := s.shown()
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
	for i := range s.shown() {
		x, y := s.point(i)
		p = append(p, x+","+y)
	}
	return strings.Join(p, " ")
}

// end is where the newest run lies.
func (s DurationSparkline) end() (x, y string) { return s.point(len(s.shown()) - 1) }

func (s DurationSparkline) endX() string { x, _ := s.end(); return x }

func (s DurationSparkline) endY() string { _, y := s.end(); return y }

// last is the newest run time.
func (s DurationSparkline) last() time.Duration { return s[len(s)-1] }
