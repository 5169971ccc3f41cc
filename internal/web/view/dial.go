package view

import (
	"math"
	"strings"
)

// dial places the ticks of the clock on the pages outside the application: 120
// around a circle of radius 286 about (300, 300). Every tenth is long, of the
// others every second is middling.
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

// dialPoint is the place of the i-th tick at a distance from the middle, clockwise
// from the top.
func dialPoint(i int, radius float64) string {
	sin, cos := math.Sincos(float64(i) * math.Pi / 60)
	return decimals(300+radius*sin, 1) + " " + decimals(300-radius*cos, 1)
}
