// Package dbclock keeps the time of a node: its own clock, corrected by the clock of
// the database that all nodes share.
//
//	Record(sent, received, server)   one measurement of the database's clock
//	Now()                            the time for everything that is compared with stored times
//	Skew()                           how far the node's own clock is ahead
//
// Between measurements, the database's time advances with the monotonic clock, so a
// step of the node's own clock has no effect. Without measurements, as on SQLite, the
// node's own clock counts. Now then follows a step forward at once. After a step back
// it continues with the monotonic clock, because deadlines would otherwise come too
// late; see AcceptStep.
package dbclock

import (
	"sync"
	"time"
)

// Limits of the correction. They are far above the error of a measurement, which is at
// most half of its round trip, and far below the shortest grace period.
const (
	// correctAbove is the skew above which Now is the time of the database.
	correctAbove = 500 * time.Millisecond
	// correctBelow is the skew below which Now is the node's own clock again.
	correctBelow = 250 * time.Millisecond
	// maxHold is the maximum time for which Now does not advance. If it would have to go
	// back further, it does.
	maxHold = 5 * time.Second
	// minStep is the shortest step of the node's own clock that counts as one.
	// Synchronized clocks are adjusted in smaller steps.
	minStep = time.Second
)

// Limits of measurements.
const (
	maxSamples = 16
	// maxDrift is by how much two clocks differ at most after a second.
	maxDrift = time.Second / 5000
	// minContradiction is the difference, above the possible error, from which a
	// measurement contradicts the earlier ones: the database's clock was set, or
	// another server has taken over.
	minContradiction = 100 * time.Millisecond
)

// Step is a sudden change of the time.
type Step struct {
	From, To time.Time
	// Followed is false if Now continues from From, because the clock was set back on
	// a node without a shared database.
	Followed bool
}

// Difference returns how far the time was set forward; it is negative if it was set
// back.
func (s Step) Difference() time.Duration { return s.To.Sub(s.From) }

// reading is one reading of the node's clocks.
type reading struct {
	wall    time.Time     // in UTC, without a monotonic reading
	elapsed time.Duration // since the start of the process; includes sleep of the machine
}

// sample is one measurement of the database's clock.
type sample struct {
	server    time.Time
	elapsed   time.Duration // when the server read its clock
	roundTrip time.Duration
}

// Clock is the clock of one node. It is safe for concurrent use. Use New.
type Clock struct {
	mu      sync.Mutex
	read    func() reading
	samples []sample // newest last
	doubted bool     // the newest measurement contradicted the others

	corrected bool      // Now is the time of the database
	base      reading   // of the node's own clock; when it was last in order
	setBack   bool      // the node's own clock was set back, and Now continues
	last      time.Time // returned by Now
	steps     []Step
}

// New returns a clock without measurements.
func New() *Clock { return newClock(systemClocks()) }

// newClock returns a clock that reads the given clocks of a node.
func newClock(read func() reading) *Clock {
	c := &Clock{read: read}
	c.base = read()
	return c
}

// Now returns the time in UTC. It goes back only if it has to by more than a few
// seconds, and otherwise does not advance meanwhile.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.advance(c.read())
}

// advance returns the time of a reading.
func (c *Clock) advance(r reading) time.Time {
	t := c.localTime(r)
	if len(c.samples) > 0 {
		t = c.sharedTime(r)
	}
	if behind := c.last.Sub(t); behind > maxHold {
		c.addStep(Step{From: c.last, To: t, Followed: true})
	} else if behind > 0 {
		return c.last
	}
	c.last = t
	return t
}

// localTime returns the time of the node's own clock, except after a step back.
func (c *Clock) localTime(r reading) time.Time {
	expected := c.base.wall.Add(r.elapsed - c.base.elapsed)
	switch step := r.wall.Sub(expected); {
	case step <= -minStep:
		if !c.setBack {
			c.setBack = true
			if len(c.samples) == 0 {
				c.addStep(Step{From: expected, To: r.wall})
			}
		}
		return expected
	case step >= minStep && len(c.samples) == 0:
		c.addStep(Step{From: expected, To: r.wall, Followed: true})
	}
	c.base, c.setBack = r, false
	return r.wall
}

// sharedTime returns the time of the node's own clock if it agrees with the database,
// or that of the database.
func (c *Clock) sharedTime(r reading) time.Time {
	server := c.best(r).at(r)
	skew := r.wall.Sub(server).Abs()
	if c.corrected = skew > correctAbove || c.corrected && skew >= correctBelow; c.corrected {
		return server
	}
	return r.wall
}

// at returns the time of the database at a reading.
func (s sample) at(r reading) time.Time { return s.server.Add(r.elapsed - s.elapsed) }

// maxError returns by how much at(r) is wrong at most.
func (s sample) maxError(r reading) time.Duration {
	age := r.elapsed - s.elapsed
	return s.roundTrip/2 + time.Duration(age.Seconds()*float64(maxDrift))
}

// best returns the most exact measurement.
func (c *Clock) best(r reading) sample {
	best := c.samples[0]
	for _, s := range c.samples[1:] {
		if s.maxError(r) <= best.maxError(r) {
			best = s
		}
	}
	return best
}

// addStep records a step, and drops the oldest if no one takes them.
func (c *Clock) addStep(s Step) {
	const maxSteps = 100
	if len(c.steps) == maxSteps {
		c.steps = c.steps[1:]
	}
	c.steps = append(c.steps, s)
}

// TakeSteps returns the steps since the previous call, oldest first.
func (c *Clock) TakeSteps() []Step {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(c.read())
	taken := c.steps
	c.steps = nil
	return taken
}

// AcceptStep makes Now follow the node's own clock after it was set back. The caller
// has moved all stored times by the same difference.
func (c *Clock) AcceptStep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.setBack, c.last = c.read(), false, time.Time{}
}

// Measurement is a measurement of the database's clock that has begun.
type Measurement struct {
	c     *Clock
	begun reading
}

// Measure begins a measurement. Read the database's clock, then call Record.
func (c *Clock) Measure() Measurement {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Measurement{c, c.read()}
}

// Record ends a measurement with the time that the database returned. That time is
// assumed to be halfway between the question and the answer.
func (m Measurement) Record(server time.Time) {
	c := m.c
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	took := r.elapsed - m.begun.elapsed
	s := sample{server: server.UTC().Round(0), elapsed: m.begun.elapsed + took/2, roundTrip: took}
	if len(c.samples) == 0 {
		c.last = time.Time{} // the first measurement corrects the clock at once
	} else if c.contradicts(s, r) {
		if !c.doubted {
			c.doubted = true // the next measurement decides
			return
		}
		c.samples = nil
	}
	c.doubted = false
	if len(c.samples) == maxSamples {
		c.samples = c.samples[1:]
	}
	c.samples = append(c.samples, s)
}

// contradicts reports whether a measurement cannot be of the same clock as the others.
func (c *Clock) contradicts(s sample, r reading) bool {
	best := c.best(r)
	return s.at(r).Sub(best.at(r)).Abs() > s.maxError(r)+best.maxError(r)+minContradiction
}

// Skew describes the node's own clock.
type Skew struct {
	// Ahead is how far the clock is ahead of the database's. It is negative if it is
	// behind.
	Ahead time.Duration
	// RoundTrip is the duration of the measurement. Ahead is wrong by at most half.
	RoundTrip time.Duration
	// Corrected is true if Now is the time of the database.
	Corrected bool
}

// Skew returns the skew of the node's own clock. known is false without a measurement.
func (c *Clock) Skew() (skew Skew, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.samples) == 0 {
		return Skew{}, false
	}
	r := c.read()
	c.advance(r)
	best := c.best(r)
	return Skew{Ahead: r.wall.Sub(best.at(r)), RoundTrip: best.roundTrip, Corrected: c.corrected}, true
}

// SetBack reports whether the node's own clock was set back and Now continues without
// it.
func (c *Clock) SetBack() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.advance(c.read())
	return c.setBack && len(c.samples) == 0
}
