package heartbeatview

import (
	"strconv"
	"strings"

	"overdue/internal/web/view/ui"
)

// Outcomes of a run.
const (
	OutcomeOnTime      = "ok"
	OutcomeLate        = "late"
	OutcomeFailed      = "failed"
	OutcomeMissed      = "missed"
	OutcomeUnknown     = "unknown" // Overdue was not watching
	OutcomeExcused     = "excused" // in a maintenance window
	OutcomeUpcoming    = "upcoming"
	OutcomeWithinGrace = "open" // due, within the grace period
	OutcomeRunning     = "running"
)

// slots is the number of runs of a strip. Each is slotWidth wide, on a canvas of
// 210 by 24 with the baseline at 22.
const (
	stripSlots = 30
	slotWidth  = 7
)

// RunStrip has the outcomes of recent runs, oldest first. It shows the last 30, the
// newest at the right edge.
type RunStrip []string

// runsPath is the path with all runs of one outcome.
type runsPath struct{ class, d string }

// countedOutcomes has the outcomes that count as expected runs, in the order of
// the label.
var countedOutcomes = []struct{ outcome, words string }{
	{OutcomeOnTime, "on time"},
	{OutcomeLate, "late"},
	{OutcomeFailed, "failed"},
	{OutcomeMissed, "missed"},
	{OutcomeUnknown, "unknown"},
	{OutcomeExcused, "excused"},
}

func (s RunStrip) newestRuns() RunStrip { return s[max(0, len(s)-stripSlots):] }

// strokes returns the paths of the strip, one for each outcome that occurs.
func (s RunStrip) strokes() []runsPath {
	var strokes []runsPath
	for _, outcome := range []string{OutcomeOnTime, OutcomeLate, OutcomeFailed, OutcomeMissed, OutcomeUnknown, OutcomeExcused, OutcomeRunning, OutcomeWithinGrace, OutcomeUpcoming} {
		if d := s.path(outcome); d != "" {
			strokes = append(strokes, runsPath{"s-" + outcome, d})
		}
	}
	return strokes
}

// path returns the path with all runs of one outcome.
func (s RunStrip) path(outcome string) string {
	shown := s.newestRuns()
	first := stripSlots - len(shown)
	var d strings.Builder
	for i, o := range shown {
		if o == outcome {
			d.WriteString(outcomePath(outcome, float64(2+slotWidth*(first+i))))
		}
	}
	return d.String()
}

// outcomePath returns the path of one run with its left edge at x. Successes are
// short, failures are tall. A solid shape means that a ping arrived, a hollow shape
// that none did.
func outcomePath(outcome string, x float64) string {
	switch outcome {
	case OutcomeLate:
		return "M" + ui.Coordinate(x) + " 22v-14h4v14z"
	case OutcomeFailed:
		return "M" + ui.Coordinate(x) + " 22v-20h4v20z"
	case OutcomeMissed:
		return "M" + ui.Coordinate(x+.625) + " 21.4v-18.8h2.75v18.8z"
	case OutcomeUnknown:
		dot := "M" + ui.Coordinate(x+1) + " "
		return dot + "21v-2h2v2z" + dot + "17v-2h2v2z" + dot + "13v-2h2v2z"
	case OutcomeExcused:
		return "M" + ui.Coordinate(x) + " 22v-2l4-4v2zM" + ui.Coordinate(x) + " 16v-2l4-4v2z"
	case OutcomeWithinGrace:
		return "M" + ui.Coordinate(x+.625) + " 21.4v-12.8h2.75v12.8z"
	case OutcomeUpcoming:
		return "M" + ui.Coordinate(x+.5) + " 21.5v-6h3v6z"
	case OutcomeRunning:
		return "M" + ui.Coordinate(x) + " 22v-7h4v7zM" + ui.Coordinate(x) + " 13v-3h4v3z"
	default:
		return "M" + ui.Coordinate(x) + " 22v-7h4v7z"
	}
}

// label describes the strip in one sentence.
func (s RunStrip) label() string {
	total, counts := 0, []string{}
	for _, w := range countedOutcomes {
		n := 0
		for _, o := range s.newestRuns() {
			if o == w.outcome {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, strconv.Itoa(n)+" "+w.words)
		}
		total += n
	}
	switch total {
	case 0:
		return "No runs yet"
	case 1:
		return "The only expected run: " + strings.TrimPrefix(counts[0], "1 ")
	default:
		return "Last " + strconv.Itoa(total) + " expected runs: " + strings.Join(counts, ", ")
	}
}

// stripLegend explains the strip.
var stripLegend = []struct{ outcome, words string }{
	{OutcomeOnTime, "On time"},
	{OutcomeLate, "Late"},
	{OutcomeMissed, "Missed"},
	{OutcomeFailed, "Failed"},
	{OutcomeUnknown, "Unknown: not watching"},
	{OutcomeExcused, "Excused: maintenance"},
	{OutcomeWithinGrace, "Due, within grace"},
	{OutcomeUpcoming, "Upcoming"},
}
