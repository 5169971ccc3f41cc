package heartbeatview

import (
	"slices"
	"time"

	"overdue/internal/web/view/ui"
)

// Heights in the chart, in percent. Runs without a run time have a lane below zero.
const (
	chartTop    = 4.0
	chartZero   = 86.0
	chartLane   = 94.5
	onlyLane    = 45.0 // of a chart without any run time
	labelGap    = 7.0  // least distance of two labels
	maxTicks    = 5
	nowLabelGap = 9.0 // labels of the time axis keep this distance from Now, in percent
	chartSlots  = 100 // runs of the chart in order
)

// tickSteps are the distances of the ticks of the run time axis.
var tickSteps = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 30 * 24 * time.Hour,
}

// chartLabel is a text at a position of an axis.
type chartLabel struct{ at, text, class, anchor string }

// runTimeStep returns the distance of the ticks and their number. The axis holds 95 %
// of the runs, and the limit unless that would squeeze the runs.
func (m RunChart) runTimeStep() (step time.Duration, ticks int) {
	var all []time.Duration
	for _, r := range m.Runs {
		if r.Measured {
			all = append(all, r.Took)
		}
	}
	top := time.Millisecond
	if len(all) > 0 {
		slices.Sort(all)
		top = max(top, all[min(len(all)-1, len(all)*95/100)])
	}
	if m.limitFits(top) {
		top = max(top, m.Limit)
	}
	top += top / 10
	for _, step := range tickSteps {
		if n := int((top + step - 1) / step); n <= maxTicks {
			return step, max(n, 2)
		}
	}
	return tickSteps[len(tickSteps)-1], maxTicks
}

// limitFits reports whether the limit is on the axis, next to runs of up to this
// length. Without a measured run, the limit alone scales the axis.
func (m RunChart) limitFits(runs time.Duration) bool {
	return m.Limit > 0 && (runs <= time.Millisecond || m.Limit <= 6*runs)
}

// limitShown reports whether the limit is on the axis.
func (m RunChart) limitShown() bool {
	step, n := m.runTimeStep()
	return m.Limit > 0 && m.Limit <= step*time.Duration(n)
}

// y returns the height of a run time. A longer run than the axis has is at its top.
func (m RunChart) y(d time.Duration) float64 {
	step, n := m.runTimeStep()
	return chartZero - (chartZero-chartTop)*min(1, max(0, ui.Ratio(d, step*time.Duration(n))))
}

// runY returns the height of a run: its run time, or the lane.
func (m RunChart) runY(r ChartRun, now time.Time) float64 {
	switch d, measured := r.runTime(now); {
	case !m.measured():
		return onlyLane
	case measured:
		return m.y(d)
	}
	return chartLane
}

// timeX returns the position of a moment on the time axis.
func (m RunChart) timeX(t time.Time) float64 {
	return 100 * min(1, max(0, ui.Ratio(t.Sub(m.From), m.To.Sub(m.From))))
}

// runX returns the position of the i-th run.
func (m RunChart) runX(i int) float64 {
	if m.InOrder {
		return (float64(i) + .5) * 100 / float64(max(len(m.Runs), chartSlots/4))
	}
	return m.timeX(m.Runs[i].At())
}

// placedRun is a run with its position. latenessY is the height at which the run
// would be if its late start counted, or "" if it started in time.
type placedRun struct {
	ChartRun
	x, y, latenessY string
}

// placedRuns returns the runs with their positions.
func (m RunChart) placedRuns(now time.Time) []placedRun {
	all := make([]placedRun, len(m.Runs))
	for i, r := range m.Runs {
		y := m.runY(r, now)
		all[i] = placedRun{ChartRun: r, x: ui.Percent(m.runX(i)), y: ui.Percent(y)}
		if !m.Calendar || !r.Measured || r.Due.IsZero() || !r.Started.After(r.Due) || r.Outcome != OutcomeLate {
			continue
		}
		if end := m.y(r.Ended.Sub(r.Due)); y-end > 1 {
			all[i].latenessY = ui.Percent(end)
		}
	}
	return all
}

// hasLateStarts reports whether the chart shows time that a late start lost.
func (m RunChart) hasLateStarts(now time.Time) bool {
	return slices.ContainsFunc(m.placedRuns(now), func(r placedRun) bool { return r.latenessY != "" })
}

// runTimeTicks returns the labels of the run time axis, from 0 up.
func (m RunChart) runTimeTicks() []chartLabel {
	step, n := m.runTimeStep()
	all := []chartLabel{{at: ui.Percent(chartZero), text: "0"}}
	for i := 1; i <= n; i++ {
		d := step * time.Duration(i)
		text := ui.ExactDuration(d)
		if step < time.Second {
			text = ui.RunTime(d)
		}
		if step < 500*time.Millisecond && d >= 50*time.Millisecond && d < time.Second {
			text = ui.Itoa(int(d.Milliseconds())) + "ms"
		}
		all = append(all, chartLabel{at: ui.Percent(m.y(d)), text: text})
	}
	return all
}

// limitLabels returns the labels at the right edge, which keep their distance.
func (m RunChart) limitLabels() []chartLabel {
	type label struct {
		at          float64
		text, class string
	}
	var all []label
	if m.Limit > 0 {
		text, at := "max "+ui.ExactDuration(m.Limit), chartTop
		if m.limitShown() {
			at = m.y(m.Limit)
		} else {
			text += " ↑"
		}
		all = append(all, label{at, text, "r-limit"})
	}
	if m.Half > 0 {
		all = append(all, label{m.y(m.Most), "95% " + ui.RunTime(m.Most), ""}, label{m.y(m.Half), "50% " + ui.RunTime(m.Half), ""})
	}
	slices.SortStableFunc(all, func(a, b label) int { return int(100 * (a.at - b.at)) })
	for i := 1; i < len(all); i++ {
		all[i].at = max(all[i].at, all[i-1].at+labelGap)
	}
	for i := len(all) - 1; i >= 0 && all[i].at > chartZero; i-- {
		all[i].at = chartZero - labelGap*float64(len(all)-1-i)
	}
	var labels []chartLabel
	for _, l := range all {
		labels = append(labels, chartLabel{at: ui.Percent(l.at), text: l.text, class: l.class})
	}
	return labels
}

// weeks returns the Mondays of the time axis.
func (m RunChart) weeks(c ui.Clock) []chartLabel {
	var all []chartLabel
	for day := c.InZone(m.From); day.Before(m.To); day = day.AddDate(0, 0, 1) {
		x := m.timeX(day)
		if day.Weekday() != time.Monday {
			continue
		}
		l := chartLabel{at: ui.Percent(x), text: c.Day(day), anchor: ui.If(x < 4, "start", "middle")}
		if x > m.timeX(c.Now)-nowLabelGap && x < m.timeX(c.Now)+nowLabelGap {
			l.text = ""
		}
		all = append(all, l)
	}
	return all
}

// firstOfDays returns the days of the chart in order, at the first run of each. On
// narrow pages, every second one is hidden.
func (m RunChart) firstOfDays(c ui.Clock) []chartLabel {
	type first struct {
		x   float64
		day string
	}
	var days []first
	for i, r := range m.Runs {
		if day := c.Day(r.At()); len(days) == 0 || days[len(days)-1].day != day {
			days = append(days, first{m.runX(i), day})
		}
	}
	var all []chartLabel
	last := -100.0
	for _, d := range days {
		if d.x-last < 11 || d.x > 97 {
			continue
		}
		last = d.x
		all = append(all, chartLabel{at: ui.Percent(d.x), text: d.day, anchor: ui.If(d.x < 4, "start", "middle"), class: ui.If(len(all)%2 == 1, "wide", "")})
	}
	return all
}

// timeLabels returns the labels of the time axis.
func (m RunChart) timeLabels(c ui.Clock) []chartLabel {
	if m.InOrder {
		return m.firstOfDays(c)
	}
	return m.weeks(c)
}

// periodRect is a period as a rectangle.
type periodRect struct{ x, width, title string }

// spans returns the periods in which Overdue was not watching.
func (m RunChart) spans(c ui.Clock) []periodRect {
	var all []periodRect
	for _, p := range m.NotWatched {
		from, until := m.timeX(p.From), m.timeX(p.Until)
		if m.InOrder || p.Until.Before(m.From) {
			continue
		}
		all = append(all, periodRect{ui.Percent(from), ui.Percent(max(.6, until-from)), c.ShortDateTime(p.From) + " to " + c.ShortDateTime(p.Until) + ": Overdue was not watching"})
	}
	return all
}
