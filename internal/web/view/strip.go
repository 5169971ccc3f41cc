package view

import (
	"strconv"
	"strings"
	"time"
)

// Outcomes of an expected run, as the strip and the month draw them.
const (
	OnTime   = "ok"
	Late     = "late"
	Failed   = "failed"
	Missed   = "missed"
	Unknown  = "unknown" // Overdue was not watching
	Upcoming = "upcoming"
	Open     = "open" // due, and still within grace
	Running  = "running"
)

// slots is how many runs a strip holds, each slotWidth wide on a canvas of
// 210 by 24 with the baseline at 22.
const (
	slots     = 30
	slotWidth = 7
)

// Strip is the ruler of recent runs: outcomes, oldest first. Only the last 30
// are drawn, the newest at the right edge.
type Strip []string

// stroke is all runs of one outcome in one path.
type stroke struct{ class, d string }

// outcomeWords names the outcomes that count as expected runs, in the order in
// which they are drawn and told.
var outcomeWords = []struct{ outcome, words string }{
	{OnTime, "on time"},
	{Late, "late"},
	{Failed, "failed"},
	{Missed, "missed"},
	{Unknown, "unknown"},
}

func (s Strip) shown() Strip { return s[max(0, len(s)-slots):] }

// strokes are the paths of the strip, one for each outcome that occurs.
func (s Strip) strokes() []stroke {
	var drawn []stroke
	for _, outcome := range []string{OnTime, Late, Failed, Missed, Unknown, Running, Open, Upcoming} {
		if d := s.path(outcome); d != "" {
			drawn = append(drawn, stroke{"s-" + outcome, d})
		}
	}
	return drawn
}

// path is all runs of one outcome.
func (s Strip) path(outcome string) string {
	shown := s.shown()
	first := slots - len(shown)
	var d strings.Builder
	for i, o := range shown {
		if o == outcome {
			d.WriteString(mark(outcome, float64(2+slotWidth*(first+i))))
		}
	}
	return d.String()
}

// mark draws one run with its left edge at x. Calm is short and trouble is
// tall; solid means that something came, hollow that nothing did.
func mark(outcome string, x float64) string {
	switch outcome {
	case Late:
		return "M" + num(x) + " 22v-14h4v14z"
	case Failed:
		return "M" + num(x) + " 22v-20h4v20z"
	case Missed:
		return "M" + num(x+.625) + " 21.4v-18.8h2.75v18.8z"
	case Unknown:
		dot := "M" + num(x+1) + " "
		return dot + "21v-2h2v2z" + dot + "17v-2h2v2z" + dot + "13v-2h2v2z"
	case Open:
		return "M" + num(x+.625) + " 21.4v-12.8h2.75v12.8z"
	case Upcoming:
		return "M" + num(x+.5) + " 21.5v-6h3v6z"
	case Running:
		return "M" + num(x) + " 22v-7h4v7zM" + num(x) + " 13v-3h4v3z"
	default:
		return "M" + num(x) + " 22v-7h4v7z"
	}
}

// num writes a coordinate as short as it can be written.
func num(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// label is the strip in one sentence.
func (s Strip) label() string {
	total, told := 0, []string{}
	for _, w := range outcomeWords {
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

// Spark is the curve of recent run times, oldest first; the last 16 are drawn.
type Spark []time.Duration

func (s Spark) shown() Spark { return s[max(0, len(s)-sparkPoints):] }

// at is the place of the i-th shown run on a canvas of 72 by 18: the longest
// touches y 3, and a run without length would lie at y 15.
func (s Spark) at(i int) (x, y string) {
	shown := s.shown()
	longest := time.Duration(1)
	for _, d := range shown {
		longest = max(longest, d)
	}
	step := 68.0 / (sparkPoints - 1)
	px := 69 - step*float64(len(shown)-1-i)
	py := 15 - 12*float64(shown[i])/float64(longest)
	return fixed(px, 1), fixed(py, 1)
}

func (s Spark) points() string {
	var p []string
	for i := range s.shown() {
		x, y := s.at(i)
		p = append(p, x+","+y)
	}
	return strings.Join(p, " ")
}

// end is where the newest run lies.
func (s Spark) end() (x, y string) { return s.at(len(s.shown()) - 1) }

func (s Spark) endX() string { x, _ := s.end(); return x }
func (s Spark) endY() string { _, y := s.end(); return y }

// last is the newest run time.
func (s Spark) last() time.Duration { return s[len(s)-1] }

// fixed writes a number with so many decimals.
func fixed(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

// percent places something along a line, "46.28%".
func percent(x float64) string { return fixed(x, 2) + "%" }

// keys explain the strip, in the order in which trouble grows.
var keys = []struct{ outcome, words string }{
	{OnTime, "On time"},
	{Late, "Late"},
	{Missed, "Missed"},
	{Failed, "Failed"},
	{Unknown, "Unknown: not watching"},
	{Open, "Due, within grace"},
	{Upcoming, "Upcoming"},
}
