package view

import (
	"strconv"
	"strings"
	"time"
)

// Outcomes of an expected run, as the strip and the month draw them.
const (
	OutcomeOnTime      = "ok"
	OutcomeLate        = "late"
	OutcomeFailed      = "failed"
	OutcomeMissed      = "missed"
	OutcomeUnknown     = "unknown" // Overdue was not watching
	OutcomeUpcoming    = "upcoming"
	OutcomeWithinGrace = "open" // due, and still within grace
	OutcomeRunning     = "running"
)

// slots is how many runs a strip holds, each slotWidth wide on a canvas of
// 210 by 24 with the baseline at 22.
const (
	stripSlots = 30
	slotWidth  = 7
)

// RunStrip is the ruler of recent runs: outcomes, oldest first. Only the last 30
// are drawn, the newest at the right edge.
type RunStrip []string

// stroke is all runs of one outcome in one path.
type stroke struct{ class, d string }

// countedOutcomes names the outcomes that count as expected runs, in the order in
// which they are drawn and told.
var countedOutcomes = []struct{ outcome, words string }{
	{OutcomeOnTime, "on time"},
	{OutcomeLate, "late"},
	{OutcomeFailed, "failed"},
	{OutcomeMissed, "missed"},
	{OutcomeUnknown, "unknown"},
}

func (s RunStrip) shown() RunStrip { return s[max(0, len(s)-stripSlots):] }

// strokes are the paths of the strip, one for each outcome that occurs.
func (s RunStrip) strokes() []stroke {
	var drawn []stroke
	for _, outcome := range []string{OutcomeOnTime, OutcomeLate, OutcomeFailed, OutcomeMissed, OutcomeUnknown, OutcomeRunning, OutcomeWithinGrace, OutcomeUpcoming} {
		if d := s.path(outcome); d != "" {
			drawn = append(drawn, stroke{"s-" + outcome, d})
		}
	}
	return drawn
}

// path is all runs of one outcome.
func (s RunStrip) path(outcome string) string {
	shown := s.shown()
	first := stripSlots - len(shown)
	var d strings.Builder
	for i, o := range shown {
		if o == outcome {
			d.WriteString(outcomePath(outcome, float64(2+slotWidth*(first+i))))
		}
	}
	return d.String()
}

// outcomePath draws one run with its left edge at x. Calm is short and trouble is
// tall; solid means that something came, hollow that nothing did.
func outcomePath(outcome string, x float64) string {
	switch outcome {
	case OutcomeLate:
		return "M" + coordinate(x) + " 22v-14h4v14z"
	case OutcomeFailed:
		return "M" + coordinate(x) + " 22v-20h4v20z"
	case OutcomeMissed:
		return "M" + coordinate(x+.625) + " 21.4v-18.8h2.75v18.8z"
	case OutcomeUnknown:
		dot := "M" + coordinate(x+1) + " "
		return dot + "21v-2h2v2z" + dot + "17v-2h2v2z" + dot + "13v-2h2v2z"
	case OutcomeWithinGrace:
		return "M" + coordinate(x+.625) + " 21.4v-12.8h2.75v12.8z"
	case OutcomeUpcoming:
		return "M" + coordinate(x+.5) + " 21.5v-6h3v6z"
	case OutcomeRunning:
		return "M" + coordinate(x) + " 22v-7h4v7zM" + coordinate(x) + " 13v-3h4v3z"
	default:
		return "M" + coordinate(x) + " 22v-7h4v7z"
	}
}

// coordinate writes a coordinate as short as it can be written.
func coordinate(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// label is the strip in one sentence.
func (s RunStrip) label() string {
	total, told := 0, []string{}
	for _, w := range countedOutcomes {
		n := 0
		for _, o := range s.shown() {
			if o == w.outcome {
				n++
			}
		}
		if n > 0 {
			told = append(told, strconv.Itoa(n)+" "+w.words)
		}
		total += n
	}
	switch total {
	case 0:
		return "No runs yet"
	case 1:
		return "The only expected run: " + strings.TrimPrefix(told[0], "1 ")
	default:
		return "Last " + strconv.Itoa(total) + " expected runs: " + strings.Join(told, ", ")
	}
}

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
	return decimals(px, 1), decimals(py, 1)
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

// decimals writes a number with so many decimals.
func decimals(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

// percent places something along a line, "46.28%".
func percent(x float64) string { return decimals(x, 2) + "%" }

// stripLegend explain the strip, in the order in which trouble grows.
var stripLegend = []struct{ outcome, words string }{
	{OutcomeOnTime, "On time"},
	{OutcomeLate, "Late"},
	{OutcomeMissed, "Missed"},
	{OutcomeFailed, "Failed"},
	{OutcomeUnknown, "Unknown: not watching"},
	{OutcomeWithinGrace, "Due, within grace"},
	{OutcomeUpcoming, "Upcoming"},
}
