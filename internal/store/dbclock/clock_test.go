package dbclock

import (
	"testing"
	"time"
)

// machine is a node's clocks and the clock of its database, which a test sets.
type machine struct {
	*Clock
	t       *testing.T
	r       reading
	ahead   time.Duration // the database's clock, of true time
	trueNow time.Time
}

// start is the true time at the start of each test.
var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// newMachine returns a machine whose own clock is ahead of true time.
func newMachine(t *testing.T, ahead time.Duration) *machine {
	m := &machine{t: t, trueNow: start, r: reading{wall: start.Add(ahead)}}
	m.Clock = newClock(func() reading { return m.r })
	return m
}

// pass lets time pass on all clocks.
func (m *machine) pass(d time.Duration) {
	m.trueNow, m.r.wall, m.r.elapsed = m.trueNow.Add(d), m.r.wall.Add(d), m.r.elapsed+d
}

// set sets the node's own clock forward, or back.
func (m *machine) set(d time.Duration) { m.r.wall = m.r.wall.Add(d) }

// measure measures the database's clock: the question takes there, the answer back.
func (m *machine) measure(there, back time.Duration) {
	q := m.Measure()
	m.pass(there)
	server := m.trueNow.Add(m.ahead)
	m.pass(back)
	q.Record(server)
}

// expect compares Now with the true time plus a difference.
func (m *machine) expect(ahead time.Duration) {
	m.t.Helper()
	if got := m.Now().Sub(m.trueNow); got != ahead {
		m.t.Errorf("after %s: the time is %s ahead; want %s", m.r.elapsed, got, ahead)
	}
}

func TestNow_IsTheTimeOfTheDatabaseIfTheNodesClockIsOff(t *testing.T) {
	for _, ahead := range []time.Duration{30 * time.Second, -30 * time.Second, 501 * time.Millisecond, -24 * time.Hour} {
		m := newMachine(t, ahead)
		m.expect(ahead)
		m.measure(time.Millisecond, time.Millisecond)
		m.expect(0)
		if s, known := m.Skew(); !known || s != (Skew{Ahead: ahead, RoundTrip: 2 * time.Millisecond, Corrected: true}) {
			t.Errorf("skew %+v, %v; want %s", s, known, ahead)
		}
		m.pass(time.Hour)
		m.expect(0)
		m.set(-ahead) // an operator corrects the clock
		m.expect(0)
		m.pass(time.Second)
		m.expect(0)
		if s, _ := m.Skew(); s.Corrected || s.Ahead != 0 {
			t.Errorf("skew %+v after the clock was corrected; want none", s)
		}
		if steps := m.TakeSteps(); len(steps) != 0 {
			t.Errorf("steps %v; want none", steps)
		}
	}
}

func TestNow_ASmallSkewIsNotCorrectedAndTheLimitHasAMargin(t *testing.T) {
	m := newMachine(t, 400*time.Millisecond)
	m.measure(0, 0)
	m.expect(400 * time.Millisecond)
	m.set(200 * time.Millisecond)
	m.pass(time.Second)
	m.expect(0)
	m.set(-200 * time.Millisecond) // 400 ms again
	m.pass(time.Second)
	m.expect(0)
	m.set(-200 * time.Millisecond)
	m.pass(time.Second)
	m.expect(200 * time.Millisecond)
}

func TestNow_DoesNotAdvanceInPlaceOfGoingBackALittle(t *testing.T) {
	m := newMachine(t, 450*time.Millisecond)
	m.measure(0, 0)
	before := m.Now()
	m.set(100 * time.Millisecond) // now above the limit: the time goes back by 450 ms
	m.pass(100 * time.Millisecond)
	if got := m.Now(); !got.Equal(before) {
		t.Errorf("the time moved by %s; want no move", got.Sub(before))
	}
	m.pass(400 * time.Millisecond)
	m.expect(0)
}

func TestNow_AStepOfTheNodesClockHasNoEffectWithADatabase(t *testing.T) {
	for _, step := range []time.Duration{time.Minute, -time.Minute, 3 * time.Second, -3 * time.Second, time.Hour} {
		m := newMachine(t, 0)
		m.measure(0, 0)
		m.expect(0)
		m.set(step)
		m.pass(time.Millisecond)
		m.expect(0)
		m.pass(time.Minute)
		m.expect(0)
		if steps := m.TakeSteps(); len(steps) != 0 {
			t.Errorf("%s: steps %v; want none", step, steps)
		}
	}
}

func TestRecord_TheMostExactMeasurementCounts(t *testing.T) {
	m := newMachine(t, 10*time.Second)
	m.measure(800*time.Millisecond, 0) // wrong by 400 ms
	if s, _ := m.Skew(); s.Ahead != 10*time.Second+400*time.Millisecond && s.Ahead != 10*time.Second-400*time.Millisecond {
		t.Errorf("skew %s; want an error of 400 ms", s.Ahead)
	}
	m.measure(time.Millisecond, time.Millisecond)
	m.measure(0, 900*time.Millisecond)
	if s, _ := m.Skew(); s.Ahead != 10*time.Second || s.RoundTrip != 2*time.Millisecond {
		t.Errorf("skew %+v; want that of the shortest round trip", s)
	}
	for range maxSamples {
		m.pass(time.Second)
		m.measure(3*time.Millisecond, 3*time.Millisecond)
	}
	if s, _ := m.Skew(); s.RoundTrip != 6*time.Millisecond {
		t.Errorf("round trip %s after %d newer measurements; want theirs", s.RoundTrip, maxSamples)
	}
}

func TestRecord_AClockOfTheDatabaseThatWasSetIsFollowedAfterTwoMeasurements(t *testing.T) {
	for _, step := range []time.Duration{40 * time.Second, -40 * time.Second} {
		m := newMachine(t, 0)
		for range 20 {
			m.measure(0, 0)
			m.pass(time.Second)
		}
		m.expect(0)
		m.ahead = step
		m.measure(0, 0)
		m.expect(0) // one measurement can be wrong
		m.pass(time.Second)
		m.measure(0, 0)
		m.expect(step)
		if steps := m.TakeSteps(); step < 0 && (len(steps) != 1 || steps[0].Difference().Round(time.Second) != step+time.Second || !steps[0].Followed) {
			t.Errorf("steps %v; want one of %s", steps, step)
		}
	}
}

func TestNow_WithoutMeasurementsAStepForwardIsFollowedAndReported(t *testing.T) {
	m := newMachine(t, 0)
	m.pass(time.Minute)
	m.expect(0)
	m.set(time.Hour)
	m.expect(time.Hour)
	want := Step{From: start.Add(time.Minute), To: start.Add(time.Minute + time.Hour), Followed: true}
	if steps := m.TakeSteps(); len(steps) != 1 || steps[0] != want {
		t.Errorf("steps %v; want %v", steps, want)
	}
	if steps := m.TakeSteps(); len(steps) != 0 {
		t.Errorf("steps %v again; want none", steps)
	}
}

func TestNow_WithoutMeasurementsAStepBackHidesNoTime(t *testing.T) {
	m := newMachine(t, 0)
	m.pass(time.Minute)
	m.set(-time.Hour)
	m.expect(0)
	m.pass(time.Minute)
	m.expect(0)
	want := Step{From: start.Add(time.Minute), To: start.Add(time.Minute - time.Hour)}
	if steps := m.TakeSteps(); len(steps) != 1 || steps[0] != want || !m.SetBack() {
		t.Errorf("steps %v, set back %v; want %v", steps, m.SetBack(), want)
	}
	m.AcceptStep()
	m.expect(-time.Hour)
	m.pass(time.Minute)
	m.expect(-time.Hour)
	if m.SetBack() || len(m.TakeSteps()) != 0 {
		t.Error("the step is still reported after it was accepted")
	}
}

func TestNow_AStepBackThatIsUndoneHasNoEffect(t *testing.T) {
	m := newMachine(t, 0)
	m.set(-time.Minute)
	m.expect(0)
	m.pass(time.Second)
	m.set(time.Minute)
	m.expect(0)
	if m.SetBack() {
		t.Error("the clock still counts as set back")
	}
}

func TestSystemClocks_AgreeWithPackageTime(t *testing.T) {
	c := New()
	if d := time.Since(c.Now()).Abs(); d > time.Minute {
		t.Errorf("the time differs by %s", d)
	}
	off := WithOffset(func() time.Duration { return time.Hour })
	if d := off.Now().Sub(c.Now()); d < 59*time.Minute || d > 61*time.Minute {
		t.Errorf("an offset of an hour makes a difference of %s", d)
	}
}
