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

// Span is one or more slots in a row, of one day in UTC, with one outcome.
type Span struct {
	Outcome     Outcome
	First, Last time.Time // slots
	Count       int64
	LateBy      time.Duration // the worst, of late ones
	LastPing    time.Time     // the newest ping that decided, zero when none did
}

// RunHistory is what became of the slots of a heartbeat, as far as it is not yet a
// row of history: the newest stretch may still grow.
type RunHistory struct {
	DecidedUntil time.Time // what came up to here is decided; zero: nothing was expected yet
	Latest       Span      // Count is 0 while there is none
}

// How much silence is told apart, slot by slot, when it ends: as much as
// history keeps, and no more slots of a calendar than are found in a moment.
const (
	maxRecordedSilence = 90 * 24 * time.Hour
	maxSlots           = 100_000
)

// add returns the ledger with one more stretch, and the one before it when that
// will not grow any more.
func (l RunHistory) add(s Span) (RunHistory, []Span) {
	l.DecidedUntil = laterOf(l.DecidedUntil, s.Last)
	tail := l.Latest
	if tail.Count > 0 && tail.Outcome == s.Outcome && utcDay(tail.Last).Equal(utcDay(s.First)) {
		tail.Last, tail.Count = s.Last, tail.Count+s.Count
		tail.LateBy, tail.LastPing = max(tail.LateBy, s.LateBy), laterOf(tail.LastPing, s.LastPing)
		l.Latest = tail
		return l, nil
	}
	l.Latest = s
	if tail.Count == 0 {
		return l, nil
	}
	return l, []Span{tail}
}

// addAll is add for several.
func (l RunHistory) addAll(all []Span) (RunHistory, []Span) {
	var decided []Span
	for _, s := range all {
		var closed []Span
		l, closed = l.add(s)
		decided = append(decided, closed...)
	}
	return l, decided
}

// utcDay is the beginning of a day in UTC.
func utcDay(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// missedSpans tells the slots after floor up to last as missed, oldest first, one
// stretch per day. It looks at no more than most slots of a calendar.
func (h Heartbeat) missedSpans(floor, last time.Time, most int) []Span {
	if cut := last.Add(-maxRecordedSilence); cut.After(floor) {
		floor = cut
	}
	var days []Span
	for slot := last; slot.After(floor) && most > 0; most-- {
		day := Span{Outcome: RunMissed, First: slot, Last: slot, Count: 1}
		if h.Rule.Calendar == nil {
			// All of the day at once: an interval of a second may be silent for long.
			step, bottom := h.Rule.intervalStep(), laterOf(floor, utcDay(slot).Add(-Precision))
			day.Count += int64((slot.Sub(bottom) - Precision) / step)
			day.First = slot.Add(-step * time.Duration(day.Count-1))
			slot = day.First.Add(-step)
		} else {
			slot = h.lastSlotBy(slot.Add(-Precision), floor)
		}
		if n := len(days) - 1; n >= 0 && utcDay(days[n].First).Equal(utcDay(day.First)) {
			days[n].First, days[n].Count = day.First, days[n].Count+day.Count
		} else {
			days = append(days, day)
		}
	}
	slices.Reverse(days)
	return days
}

// silentSpans returns what silence alone has decided by now: a slot is missed when
// its own grace is over. Until then it is open, however many slots follow it.
func (h Heartbeat) silentSpans(now time.Time, most int) []Span {
	if !h.recordsMisses() {
		return nil
	}
	floor := laterOf(h.History.DecidedUntil, h.countedUntil())
	return h.missedSpans(floor, h.lastExpiredSlot(h.ActiveRuns, now, floor), most)
}

// recordsMisses reports whether silence is counted: since the first ping that ended
// a run, or since it was resumed.
func (h Heartbeat) recordsMisses() bool {
	return h.ExpectsPings() && !h.CountedFrom.IsZero() && !h.History.DecidedUntil.IsZero()
}

// UnstoredSpans returns what is decided as of now and is no row of history yet,
// oldest first: the newest stretch, and what silence decided since. It looks at
// no more than most slots of a silent calendar, at all that history keeps when
// most is 0.
func (h Heartbeat) UnstoredSpans(now time.Time, most int) []Span {
	if most == 0 {
		most = maxSlots
	}
	l, decided := h.History.addAll(h.silentSpans(now, most))
	if l.Latest.Count > 0 {
		decided = append(decided, l.Latest)
	}
	return decided
}

// recordSilence writes down what silence has decided by now.
func (h Heartbeat) recordSilence(now time.Time) (Heartbeat, []Span) {
	l, decided := h.History.addAll(h.silentSpans(now, maxSlots))
	h.History = l
	return h, decided
}
