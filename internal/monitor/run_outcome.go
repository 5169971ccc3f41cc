package monitor

import "time"

// finishedRun is how a run ended: by a ping, or because its time was over.
type finishedRun struct {
	endedAt    time.Time
	byPing     bool        // a ping ended it
	startedAt  time.Time   // zero when nobody said
	failure    Outcome     // of a bad run; empty for a good one
	overran    bool        // it took too long, and that was counted
	activeRuns []ActiveRun // in progress just before it
}

// assignment is what the end of a run decided.
type assignment struct {
	slot           time.Time // that it counts for, zero when it counts for none
	alreadyCounted bool      // it counts for none, because a clock has counted it
	missed         int       // slots waited for that nothing came for, as far as it matters
	lastSlot       time.Time // the last of all these slots, zero when there is none
	decidedUntil   time.Time // slots up to here are no longer waited for
	closedSpans    []Span    // that will not grow any more
}

// assign says which slot a run counts for, and writes that down together with
// all slots that were passed over.
//
// It counts for an open slot: one that has come and is within grace, or that a
// run answers which began by the deadline and was in progress. With a calendar
// that is the last one, and those before it are missed; with an interval, which
// is counted from ping to ping, it is the first one, and those after it are void.
// If no slot is open, the run counts for the next: with a calendar if it is early
// for it, with an interval in any case, at its own moment. A bad
// run that counts for no slot is kept at the moment at which it ended. No run
// counts for two slots, and no slot has two runs.
//
// With a calendar, a run whose start is known counts for the slot that it began
// for, however long it took. A slot within grace that it began too early for stays
// open.
func (h Heartbeat) assign(e finishedRun) (Heartbeat, assignment) {
	floor := h.Created // the very first ping may answer a calendar's slot
	if !h.History.DecidedUntil.IsZero() {
		floor = laterOf(h.History.DecidedUntil, h.countedUntil())
	}
	r := assignment{decidedUntil: h.decidedUntil(e)}
	come := h.lastSlotBy(r.decidedUntil, floor)
	if !h.recordsMisses() && h.Rule.Calendar == nil {
		come = time.Time{}
	}
	r.slot = h.openSlotFor(e, come, floor)
	if r.slot.IsZero() {
		if r.alreadyCounted = come.IsZero() && h.countedByTimer(e); r.alreadyCounted {
			r.slot = h.earlySlotFor(e, floor)
			r.alreadyCounted = r.slot.IsZero()
		} else {
			r.slot = h.nextSlotFor(e, floor)
		}
	}
	if h.recordsMisses() {
		r.missed, r.lastSlot = h.countMissedSlots(r.decidedUntil, r.slot), come
	}
	h.History, r.closedSpans = h.recordRun(e, r, come, floor)
	r.lastSlot = laterOf(r.lastSlot, r.slot)
	return h, r
}

// recordRun returns the ledger with a run and the slots that it passed over. come is
// the last slot that has come and is decided now.
func (h Heartbeat) recordRun(e finishedRun, r assignment, come, floor time.Time) (l RunHistory, decided []Span) {
	l = h.History
	add := func(all []Span) {
		var closed []Span
		l, closed = l.addAll(all)
		decided = append(decided, closed...)
	}
	before := come // the last slot that was missed before the one that the run counts for
	if !r.slot.IsZero() && !r.slot.After(come) {
		before = h.lastSlotBy(r.slot.Add(-Precision), floor)
	}
	if h.recordsMisses() {
		add(h.missedSpans(floor, before, maxSlots))
	}
	at := e.endedAt
	if r.decidedUntil.Before(e.endedAt) {
		at = e.startedAt // before the slot that is still waited for
	}
	switch {
	case !r.slot.IsZero():
		add([]Span{h.spanOf(e, r.slot)})
	case e.failure != "" && !r.alreadyCounted: // a bad run is never left out
		add([]Span{h.spanOf(e, laterOf(at, l.DecidedUntil.Add(Precision)))})
	}
	if h.recordsMisses() && h.Rule.Calendar != nil && !r.slot.IsZero() && r.slot.Before(come) {
		add(h.missedSpans(r.slot, come, maxSlots)) // they passed while it was in progress
	}
	l.DecidedUntil = laterOf(l.DecidedUntil, at)
	return l, decided
}

// decidedUntil returns the moment up to which slots are decided by the end of a run: its
// end, or just before the first slot that is waited for within its grace and that
// the run began too early for.
func (h Heartbeat) decidedUntil(e finishedRun) time.Time {
	if h.Rule.Calendar == nil || e.startedAt.IsZero() || h.Status == Paused {
		return e.endedAt
	}
	from := laterOf(laterOf(h.slotStartedFor(e), e.startedAt), e.endedAt.Add(-h.Rule.startWindow()-Precision))
	slot, found := h.Rule.Calendar.schedule.Next(laterOf(from, laterOf(h.Created, h.countedUntil())))
	if !found || slot.After(e.endedAt) {
		return e.endedAt
	}
	return slot.Add(-Precision)
}

// slotStartedFor returns the last slot that a run with a start began for: the last that
// had come by then, or a later one that the start was early for. Zero for none.
func (h Heartbeat) slotStartedFor(e finishedRun) time.Time {
	slots, early := h.Rule.Calendar.schedule, h.Rule.Early
	if early < 0 { // less than the gap, so it reaches the next slot at most
		if next, found := slots.Next(e.startedAt); found && !e.startedAt.Before(next.Add(-h.Rule.calendarEarlyWindow(next))) {
			return next
		}
		early = 0
	}
	slot, _ := slots.Prev(e.startedAt.Add(early + Precision)) // zero where there is none
	return slot
}

// countMissedSlots is how many of the slots that are waited for have come by now, except
// the one that is answered, and with an interval those after it. More than open
// an incident are not counted.
func (h Heartbeat) countMissedSlots(now, answered time.Time) int {
	n := 0
	for slot := h.Due(); !slot.IsZero() && !slot.After(now) && n < h.Rule.alertThreshold(); slot = h.slotAfter(slot) {
		switch {
		case !slot.Equal(answered):
			n++
		case h.Rule.Calendar == nil:
			return n
		}
	}
	return n
}

// openSlotFor returns the open slot that a run counts for, zero when none is open.
// come is the last slot that has come.
func (h Heartbeat) openSlotFor(e finishedRun, come, floor time.Time) time.Time {
	if come.IsZero() {
		return come
	}
	lost := h.lastExpiredSlot(e.activeRuns, e.endedAt.Add(-Precision), floor)
	switch {
	case h.Rule.Calendar == nil:
		come = h.slotAfter(laterOf(lost, floor))
	case !e.startedAt.IsZero():
		if own := h.slotStartedFor(e); own.Before(come) {
			come = own
		}
	}
	if !come.After(laterOf(lost, floor)) || come.After(e.endedAt) {
		return time.Time{}
	}
	return come
}

// lastExpiredSlot returns the last slot after floor that no run can answer any more at
// the end of now, zero if there is no such slot: its grace is over, and of the runs in
// progress, each within its time, none began by its deadline.
func (h Heartbeat) lastExpiredSlot(runs []ActiveRun, now, floor time.Time) time.Time {
	over, limit := now, h.Rule.runLimit()
	for _, r := range runs {
		inTime := limit > 0 && !r.Overran && r.StartedAt.Add(limit).After(now)
		if before := r.StartedAt.Add(-Precision); inTime && before.Before(over) {
			over = before
		}
	}
	return h.lastSlotBy(over.Add(-h.Rule.Grace), floor)
}

// nextSlotFor returns the slot that a run counts for when it does not count for the
// one that has come, zero for none.
func (h Heartbeat) nextSlotFor(e finishedRun, floor time.Time) time.Time {
	if h.Rule.Calendar != nil {
		return h.earlySlotFor(e, floor)
	}
	if !e.endedAt.After(h.History.DecidedUntil) {
		return time.Time{} // a second ping at the same instant
	}
	return e.endedAt
}

// earlySlotFor returns the slot that a run is early for, zero for none, or when that
// slot is counted already.
func (h Heartbeat) earlySlotFor(e finishedRun, floor time.Time) time.Time {
	slot := h.Rule.earlySlotAt(e.endedAt)
	tooEarly := !e.startedAt.IsZero() && !slot.IsZero() && e.startedAt.Before(slot.Add(-h.Rule.calendarEarlyWindow(slot)))
	if tooEarly || !slot.After(floor) {
		return time.Time{}
	}
	return slot
}

// countedByTimer reports whether a clock has counted this run, or the one that is waited
// for, since the last ping: what comes of it later is no further run. A run that
// began after another one overran is, and so is a bad run that no clock counted.
func (h Heartbeat) countedByTimer(e finishedRun) bool {
	tail := h.History.Latest
	if h.Status == Paused || !tail.Last.After(h.StaleBefore) {
		return false
	}
	switch tail.Outcome {
	case RunNotStarted:
		return e.failure == ""
	case RunOverran:
		byPing := e.byPing && e.failure != ""
		return e.overran || !byPing && !e.startedAt.After(h.History.DecidedUntil)
	}
	return false
}

// spanOf is the run as it counts for a slot. An interval is late from the
// moment it is due, as its status says. A calendar says when the job begins: its
// run is late when it began, or where nobody said so ended, well after the slot.
func (h Heartbeat) spanOf(e finishedRun, slot time.Time) Span {
	s := Span{Outcome: e.failure, First: slot, Last: slot, Count: 1}
	if e.byPing {
		s.LastPing = e.endedAt
	}
	if s.Outcome != "" {
		return s
	}
	s.Outcome = RunOnTime
	came, punctual := e.endedAt, time.Duration(0)
	if h.Rule.Calendar != nil {
		punctual = h.Rule.onTimeWindow(slot)
		if !e.startedAt.IsZero() {
			came = e.startedAt
		}
	}
	if late := came.Sub(slot); late > punctual {
		s.Outcome, s.LateBy = RunLate, late
	}
	return s
}
