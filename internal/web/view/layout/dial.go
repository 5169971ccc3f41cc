package layout

import (
	"math"
	"strings"

	"overdue/internal/web/view/ui"
)

// dialTicks returns the path of the ticks of the clock: 120 on a circle with
// radius 286 around (300, 300). Every tenth tick is long; of the others, every
// second one is of medium length.
func dialTicks(long bool) string {
	var d strings.Builder
	for i := range 120 {
		inner := 279.0
		switch {
		case i%10 == 0:
			inner = 262
		case i%2 == 0:
			inner = 274
		}
		if (i%10 == 0) == long {
			d.WriteString("M" + dialPoint(i, inner) + "L" + dialPoint(i, 286))
		}
	}
	return d.String()
}

// dialPoint returns the position of the i-th tick at a distance from the centre,
// clockwise from the top.
func dialPoint(i int, radius float64) string {
	sin, cos := math.Sincos(float64(i) * math.Pi / 60)
	return ui.Decimals(300+radius*sin, 1) + " " + ui.Decimals(300-radius*cos, 1)
}
