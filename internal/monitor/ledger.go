package monitor

import (
	"slices"
	"time"
)

// Outcome is what became of a run that was expected. The values are part of the
// API.
type Outcome string

// The outcomes.
const (
	RunOnTime     Outcome = "on_time"
	RunLate       Outcome = "late" // within grace
	RunMissed     Outcome = "missed"
	RunFailed     Outcome = "failed"
	RunTooShort   Outcome = "too_short"
	RunOverran    Outcome = "overran"
	RunNotStarted Outcome = "not_started"
	RunUnknown    Outcome = "unknown" // Overdue itself was not watching
)

// Outcomes lists every outcome.
var Outcomes = []Outcome{RunOnTime, RunLate, RunMissed, RunFailed, RunTooShort, RunOverran, RunNotStarted, RunUnknown}

// Good reports whether the run came as it should.
func (o Outcome) Good() bool { return o == RunOnTime || o == RunLate }

// Stretch is one or more slots in a row, of one day in UTC, with one outcome.
type Stretch struct {
	Outcome     Outcome
	First, Last time.Time // slots
	Count       int64
	LateBy      time.Duration // the worst, of late ones
	At          time.Time     // the newest ping that decided, zero when none did
}

// Ledger is what became of the slots of a heartbeat, as far as it is not yet a
// row of history: the newest stretch may still grow.
type Ledger struct {
	Until time.Time // what came up to here is decided; zero: nothing was expected yet
	Tail  Stretch   // Count is 0 while there is none
}

// How much silence is told apart, slot by slot, when it ends: as much as
// history keeps, and no more slots of a calendar than are found in a moment.
const (
	longestSilence = 90 * 24 * time.Hour
	mostSlots      = 100_000
)

// add returns the ledger with one more stretch, and the one before it when that
// will not grow any more.
func (l Ledger) add(s Stretch) (Ledger, []Stretch) {
	l.Until = later(l.Until, s.Last)
	tail := l.Tail
	if tail.Count > 0 && tail.Outcome == s.Outcome && dayOf(tail.Last).Equal(dayOf(s.First)) {
		tail.Last, tail.Count = s.Last, tail.Count+s.Count
		tail.LateBy, tail.At = max(tail.LateBy, s.LateBy), later(tail.At, s.At)
		l.Tail = tail
		return l, nil
	}
	l.Tail = s
	if tail.Count == 0 {
		return l, nil
	}
	return l, []Stretch{tail}
}

// addAll is add for several.
func (l Ledger) addAll(all []Stretch) (Ledger, []Stretch) {
	var decided []Stretch
	for _, s := range all {
		var closed []Stretch
		l, closed = l.add(s)
		decided = append(decided, closed...)
	}
	return l, decided
}

// dayOf is the beginning of a day in UTC.
func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// missed tells the slots after floor up to last as missed, oldest first, one
// stretch per day. It looks at no more than most slots of a calendar.
func (h Heartbeat) missed(floor, last time.Time, most int) []Stretch {
	if cut := last.Add(-longestSilence); cut.After(floor) {
		floor = cut
	}
	var days []Stretch
	for slot := last; slot.After(floor) && most > 0; most-- {
		day := Stretch{Outcome: RunMissed, First: slot, Last: slot, Count: 1}
		if h.Rule.Calendar == nil {
			// All of the day at once: an interval of a second may be silent for long.
			step, bottom := h.Rule.step(), later(floor, dayOf(slot).Add(-Tick))
			day.Count += int64((slot.Sub(bottom) - Tick) / step)
			day.First = slot.Add(-step * time.Duration(day.Count-1))
			slot = day.First.Add(-step)
		} else {
			slot = h.slotBy(slot.Add(-Tick), floor)
		}
		if n := len(days) - 1; n >= 0 && dayOf(days[n].First).Equal(dayOf(day.First)) {
			days[n].First, days[n].Count = day.First, days[n].Count+day.Count
		} else {
			days = append(days, day)
		}
	}
	slices.Reverse(days)
	return days
}

// silence returns what silence alone has decided by now: a slot is missed when
// its own grace is over. Until then it is open, however many slots follow it.
func (h Heartbeat) silence(now time.Time, most int) []Stretch {
	if !h.expecting() {
		return nil
	}
	floor := later(h.Ledger.Until, h.counted())
	return h.missed(floor, h.lastLost(h.Runs, now, floor), most)
}

// expecting reports whether silence is counted: since the first ping that ended
// a run, or since it was resumed.
func (h Heartbeat) expecting() bool {
	return h.Judged() && !h.From.IsZero() && !h.Ledger.Until.IsZero()
}

// Unwritten returns what is decided as of now and is no row of history yet,
// oldest first: the newest stretch, and what silence decided since. It looks at
// no more than most slots of a silent calendar, at all that history keeps when
// most is 0.
func (h Heartbeat) Unwritten(now time.Time, most int) []Stretch {
	if most == 0 {
		most = mostSlots
	}
	l, decided := h.Ledger.addAll(h.silence(now, most))
	if l.Tail.Count > 0 {
		decided = append(decided, l.Tail)
	}
	return decided
}

// settle writes down what silence has decided by now.
func (h Heartbeat) settle(now time.Time) (Heartbeat, []Stretch) {
	l, decided := h.Ledger.addAll(h.silence(now, mostSlots))
	h.Ledger = l
	return h, decided
}
