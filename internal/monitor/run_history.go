package monitor

import (
	"slices"
	"time"
)

// Outcome is the result of an expected run. The values are part of the API.
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
	RunUnknown    Outcome = "unknown" // Overdue itself was not running
	RunExcused    Outcome = "excused" // in a maintenance window
)

// Outcomes lists every outcome.
var Outcomes = []Outcome{RunOnTime, RunLate, RunMissed, RunFailed, RunTooShort, RunOverran, RunNotStarted, RunUnknown, RunExcused}

// Good reports whether the run arrived on time or within grace.
func (o Outcome) Good() bool { return o == RunOnTime || o == RunLate }

// Counts reports whether the run counts as expected. A run that Overdue did not watch, or that was in a
// maintenance window, does not.
func (o Outcome) Counts() bool { return o != RunUnknown && o != RunExcused }

// Span is one or more consecutive slots of one UTC day with the same outcome.
type Span struct {
	Outcome     Outcome
	First, Last time.Time // slots
	Count       int64
	LateBy      time.Duration // largest delay of late runs
	LastPing    time.Time     // newest ping that decided a slot, zero if none did
}

// RunHistory is the part of the run history that is not stored as rows yet: the latest span can
// still grow.
type RunHistory struct {
	DecidedUntil time.Time // slots up to this time are decided; zero if no slot was expected yet
	Latest       Span      // Count is 0 if none exists
}

// Limits of the missed slots that one silence records: as long as the history is kept, and a number
// of calendar slots that takes little time to find.
const (
	maxRecordedSilence = 90 * 24 * time.Hour
	maxSlots           = 100_000
)

// add returns the history with one more span, and the previous span if it no longer grows.
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

// addAll calls add for each span.
func (l RunHistory) addAll(all []Span) (RunHistory, []Span) {
	var decided []Span
	for _, s := range all {
		var closed []Span
		l, closed = l.add(s)
		decided = append(decided, closed...)
	}
	return l, decided
}

// utcDay returns the start of a day in UTC.
func utcDay(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// missedSpans returns the slots after floor up to last as missed, oldest first, one span per day.
// It examines at most the given number of calendar slots.
func (h *Heartbeat) missedSpans(floor, last time.Time, most int) []Span {
	if cut := last.Add(-maxRecordedSilence); cut.After(floor) {
		floor = cut
	}
	var days []Span
	for slot := last; slot.After(floor) && most > 0; most-- {
		day := Span{Outcome: RunMissed, First: slot, Last: slot, Count: 1}
		if h.Rule.Calendar == nil {
			// The whole day in one step: an interval of a second can be silent for a long time.
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

// silentSpans returns what silence has decided by now: a slot is missed when its own grace is over.
// Until then it is open, however many slots follow.
func (h *Heartbeat) silentSpans(now time.Time, most int) []Span {
	if !h.recordsMisses() {
		return nil
	}
	floor := laterOf(h.History.DecidedUntil, h.countedUntil())
	var spans []Span
	for _, w := range h.pendingWindows() {
		if w.From.After(now) {
			break
		}
		missed := h.lastExpiredSlot(h.ActiveRuns, w.From.Add(-Precision), floor)
		spans, floor = append(spans, h.missedSpans(floor, missed, most)...), laterOf(floor, missed)
		last := h.lastExpiredSlot(h.ActiveRuns, now, floor)
		if !last.Before(w.To) {
			last = h.lastSlotBy(w.To.Add(-Precision), floor)
		}
		spans, floor = append(spans, excusedSpans(h.missedSpans(floor, last, most))...), laterOf(floor, last)
	}
	return append(spans, h.missedSpans(floor, h.lastExpiredSlot(h.ActiveRuns, now, floor), most)...)
}

// recordsMisses reports whether silence is recorded as missed slots: after the first ping that
// ended a run, or after a resumption.
func (h *Heartbeat) recordsMisses() bool {
	return h.expectsPings() && !h.CountedFrom.IsZero() && !h.History.DecidedUntil.IsZero()
}

// UnstoredSpans returns what is decided at now and not stored yet, oldest first: the latest span,
// and what silence decided since. It examines at most the given number of slots of a silent
// calendar, or maxSlots if most is 0.
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

// recordSilence adds what silence has decided by now to the run history.
func (h Heartbeat) recordSilence(now time.Time) (Heartbeat, []Span) {
	l, decided := h.History.addAll(h.silentSpans(now, maxSlots))
	h.History = l
	return h, decided
}
