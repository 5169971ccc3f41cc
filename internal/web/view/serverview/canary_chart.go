package serverview

import (
	"fmt"
	"math"
	"strings"
	"time"

	"overdue/internal/web/view/ui"
)

// The geometry of the bars of the canary, in pixels, except that of the x axis, in
// percent.
const (
	canaryBase   = 60.0
	canaryBound  = 14.0 // the line of the bound
	canaryTop    = 4.0
	canaryNow    = 95.0 // percent
	canarySlots  = 60
	canaryBar    = 1.1
	canaryMinBar = 1.5
)

// height returns the height of a bar. The scale is that of the square root: an alert that
// takes 0.3 s and a bound of 10 s are both visible.
func (c Canary) height(took time.Duration) float64 {
	h := (canaryBase - canaryBound) * math.Sqrt(ui.Ratio(max(took, 0), c.Bound))
	return math.Min(canaryBase-canaryTop, math.Max(canaryMinBar, h))
}

// lineAt returns the y of a duration.
func (c Canary) lineAt(d time.Duration) string { return ui.Decimals(canaryBase-c.height(d), 1) }

// slot returns the x of round i. The newest round is next to the line of now.
func (c Canary) slot(i int) string {
	place := canarySlots - len(c.Rounds) + i
	return ui.Percent(float64(place) * canaryNow / canarySlots)
}

// firstAnchor returns which end of the label of the first round is at its bar. With few
// rounds, the bar is next to the label of now.
func (c Canary) firstAnchor() string {
	return ui.If(len(c.Rounds) > canarySlots/2, "start", "end")
}

// class returns the class of the bar of a round, or "".
func (c Canary) class(r Round) string {
	switch {
	case r.Lost:
		return "c-miss"
	case r.Took >= c.Bound:
		return "c-slow"
	}
	return ""
}

// bar returns y and height of the bar of a round.
func (c Canary) bar(r Round) (y, height string) {
	h := c.height(r.Took)
	if r.Lost {
		h = canaryBase - canaryTop
	}
	return ui.Decimals(canaryBase-h, 1), ui.Decimals(h, 1)
}

// roundText describes a round: "20:53, 0.24 s".
func roundText(c ui.Clock, r Round) string {
	return c.Minute(r.At) + ui.If(r.Lost, ": not delivered", ": "+preciseSeconds(r.Took))
}

// preciseSeconds returns how long an alert took, in seconds.
func preciseSeconds(d time.Duration) string {
	digits := 2
	if d >= 10*time.Second {
		digits = 0
	}
	return ui.Decimals(max(d, 0).Seconds(), digits) + "\u00a0s"
}

// bad returns the number of rounds that were late or lost.
func (c Canary) bad() (n int) {
	for _, r := range c.Rounds {
		if c.class(r) != "" {
			n++
		}
	}
	return n
}

// last returns how long the newest alert took.
func (c Canary) last() string {
	if len(c.Rounds) == 0 {
		return "–"
	}
	r := c.Rounds[len(c.Rounds)-1]
	return ui.If(r.Lost, "Lost", preciseSeconds(r.Took))
}

// slowest returns how long the slowest alert that arrived took.
func (c Canary) slowest() string {
	longest, found := time.Duration(0), false
	for _, r := range c.Rounds {
		if !r.Lost {
			longest, found = max(longest, r.Took), true
		}
	}
	return ui.If(found, preciseSeconds(longest), "–")
}

// describe returns the chart as text.
func (c Canary) describe(clock ui.Clock) string {
	text := fmt.Sprintf("The last %s of the canary: %d within %s.", ui.Plural(len(c.Rounds), "alert"), len(c.Rounds)-c.bad(), preciseSeconds(c.Bound))
	var bad []string
	for _, r := range c.Rounds {
		if c.class(r) != "" {
			bad = append(bad, roundText(clock, r))
		}
	}
	if len(bad) > 0 {
		text += " Late or lost: " + strings.Join(bad, "; ") + "."
	}
	return text
}

// about returns what the canary does.
func (c Canary) about() string {
	return "Every " + ui.ExactDuration(c.Interval) + ", a hidden heartbeat misses its deadline on purpose. Each bar is the time from the deadline to the delivered alert."
}
