package report

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"os"
	"slices"
	"strings"
)

// Plot is a chart of lines over a logarithmic axis.
type Plot struct {
	Title string
	X, Y  string // labels of the axes, with units
	Lines []Line
}

// Line is one line of a plot.
type Line struct {
	Name   string
	Points []Point
}

// Point is a point of a line.
type Point struct{ X, Y float64 }

// Size and margins of a plot.
const (
	plotWidth, plotHeight             = 640, 360
	plotLeft, plotRight               = 72, 48
	plotTop, plotBottom               = 64, 52
	plotInnerWidth, plotInnerHeight   = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotBottom
	verticalTicks                     = 5
	legendLeft, legendStep, legendTop = plotLeft, 190, 46
)

// plotStyle has colors that differ visibly on a light and on a dark page.
const plotStyle = `
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #d0d7de } .axis { stroke: #57606a }
.line { fill: none; stroke-width: 2 }
.c0 { stroke: #0969da; fill: #0969da } .c1 { stroke: #bc4c00; fill: #bc4c00 } .c2 { stroke: #1a7f37; fill: #1a7f37 }
path.c0, path.c1, path.c2 { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .grid { stroke: #30363d } .axis { stroke: #8b949e }
  .c0 { stroke: #58a6ff; fill: #58a6ff } .c1 { stroke: #f0883e; fill: #f0883e } .c2 { stroke: #3fb950; fill: #3fb950 }
}
`

// WriteFile writes the plot as SVG.
func (p Plot) WriteFile(file string) error {
	if err := os.WriteFile(file, []byte(p.SVG()), 0o644); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// SVG draws the plot. The background is transparent.
func (p Plot) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(p.Title))
	fmt.Fprintf(&b, "\n<style>%s</style>\n", plotStyle)
	text(&b, plotLeft, 24, "start", "title", p.Title)
	s := p.scale()
	s.axes(&b)
	text(&b, plotLeft+plotInnerWidth/2, plotHeight-10, "middle", "", p.X)
	fmt.Fprintf(&b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", plotTop+plotInnerHeight/2, html.EscapeString(p.Y))
	for i, line := range p.Lines {
		s.line(&b, i, line)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// scale maps values to positions.
type scale struct {
	from, to float64 // decimal logarithms of the ends of the horizontal axis
	step     float64 // between two vertical ticks
}

// scale returns the scale that shows all points.
func (p Plot) scale() scale {
	var xs, ys []float64
	for _, line := range p.Lines {
		for _, point := range line.Points {
			xs, ys = append(xs, point.X), append(ys, point.Y)
		}
	}
	s := scale{from: 0, to: 1, step: 1}
	if len(xs) > 0 {
		s.from, s.to = math.Floor(math.Log10(slices.Min(xs))), math.Ceil(math.Log10(slices.Max(xs)))
		s.to = max(s.to, s.from+1)
		s.step = niceStep(slices.Max(ys) / verticalTicks)
	}
	return s
}

// niceStep returns the smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at
// least as large as the step.
func niceStep(step float64) float64 {
	if step <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		if factor*power >= step {
			return factor * power
		}
	}
	return 10 * power
}

func (s scale) x(v float64) float64 {
	return plotLeft + (math.Log10(v)-s.from)/(s.to-s.from)*plotInnerWidth
}

func (s scale) y(v float64) float64 {
	return plotTop + plotInnerHeight - v/(s.step*verticalTicks)*plotInnerHeight
}

// axes draws the axes with their ticks.
func (s scale) axes(b *strings.Builder) {
	for i := range verticalTicks + 1 {
		v := float64(i) * s.step
		class := "grid"
		if i == 0 {
			class = "axis"
		}
		fmt.Fprintf(b, `<line class="%s" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", class, plotLeft, s.y(v), plotWidth-plotRight, s.y(v))
		text(b, plotLeft-8, s.y(v)+4, "end", "", Grouped(v))
	}
	for power := s.from; power <= s.to; power++ {
		v := math.Pow(10, power)
		text(b, s.x(v), plotTop+plotInnerHeight+18, "middle", "", Grouped(v))
	}
}

// line draws a line with its points and its name.
func (s scale) line(b *strings.Builder, i int, l Line) {
	points := slices.SortedFunc(slices.Values(l.Points), func(a, b Point) int { return cmp.Compare(a.X, b.X) })
	path := ""
	for k, p := range points {
		path += fmt.Sprintf("%s%.1f %.1f", map[bool]string{true: "M", false: " L"}[k == 0], s.x(p.X), s.y(p.Y))
		fmt.Fprintf(b, `<circle class="c%d" cx="%.1f" cy="%.1f" r="3"><title>%s: %s</title></circle>`+"\n", i, s.x(p.X), s.y(p.Y), Grouped(p.X), Grouped(p.Y))
	}
	fmt.Fprintf(b, `<path class="line c%d" d="%s"/>`+"\n", i, path)
	x := legendLeft + i*legendStep
	fmt.Fprintf(b, `<line class="line c%d" x1="%d" y1="%d" x2="%d" y2="%d"/>`+"\n", i, x, legendTop-4, x+20, legendTop-4)
	text(b, float64(x+26), legendTop, "start", "", l.Name)
}

// text draws a text.
func text(b *strings.Builder, x, y float64, anchor, class, s string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`+"\n", x, y, anchor, class, html.EscapeString(s))
}

// Grouped returns a number with a comma between groups of thousands, or with four
// significant digits below 1,000.
func Grouped(v float64) string {
	if v < 1_000 {
		return fmt.Sprintf("%.4g", v)
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
