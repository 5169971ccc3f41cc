package monitor

import "time"

// finishedRun is a run that has ended: a ping ended it, or it exceeded its time limit.
type finishedRun struct {
	endedAt    time.Time
	byPing     bool        // a ping ended it
	startedAt  time.Time   // zero if unknown
	failure    Outcome     // empty if it succeeded
	overran    bool        // it exceeded the time limit, and that is already counted
	activeRuns []ActiveRun // runs in progress just before it ended
}

// assignment is the slot that a finished run counts for, and what else its end decides.
type assignment struct {
	slot           time.Time // zero if the run counts for no slot
	alreadyCounted bool      // it counts for no slot, because a timer has already counted this run
	missed         int       // number of expected slots that no run came for, at most the alert threshold
	lastSlot       time.Time // latest slot that is decided, zero if none
	decidedUntil   time.Time // slots up to this time are no longer expected
	closedSpans    []Span    // spans that no longer grow
}

// assign finds the slot that a finished run counts for, and records the run and every slot that it
// skipped.
//
// A run counts for an open slot: one that is due and within grace, or one whose run was in progress
// at its deadline. A calendar uses the latest open slot, and earlier slots are missed. An interval
// counts from ping to ping: it uses the earliest open slot, and later slots do not apply. If no
// slot is open, the run counts for the next one: with a calendar if it is early for that slot, with
// an interval always, at the time of the run. A failed run that counts for no slot is recorded at
// the time at which it ended. A run counts for at most one slot, and a slot has at most one run.
//
// With a calendar, a run with a known start counts for the slot that it started for, however long
// it took. If it started too early for a slot that is within grace, that slot stays open.
func (h Heartbeat) assign(e finishedRun) (Heartbeat, assignment) {
	if o := h.History.Latest.Outcome; o == RunUnknown || o == RunExcused {
		h = h.reopenUnknown(e)
	}
	floor := h.Created // the first ping can count for an earlier slot of a calendar
	if !h.History.DecidedUntil.IsZero() {
		floor = laterOf(h.History.DecidedUntil, h.countedUntil())
	}
	r := assignment{decidedUntil: h.decidedUntil(e)}
	latestSlot := h.lastSlotBy(r.decidedUntil, floor)
	if !h.recordsMisses() && h.Rule.Calendar == nil {
		latestSlot = time.Time{}
	}
	r.slot = h.openSlotFor(e, latestSlot, floor)
	if r.slot.IsZero() {
		if r.alreadyCounted = latestSlot.IsZero() && h.countedByTimer(e); r.alreadyCounted {
			r.slot = h.earlySlotFor(e, floor)
			r.alreadyCounted = r.slot.IsZero()
		} else {
			r.slot = h.nextSlotFor(e, floor)
		}
	}
	if h.recordsMisses() {
		r.missed, r.lastSlot = h.countMissedSlots(r.decidedUntil, r.slot), latestSlot
	}
	h.History, r.closedSpans = h.recordRun(e, r, latestSlot, floor)
	r.lastSlot = laterOf(r.lastSlot, r.slot)
	return h, r
}

// recordRun returns the run history with a run and the slots that it skipped. latestSlot is the latest
// slot that is due and decided now.
func (h *Heartbeat) recordRun(e finishedRun, r assignment, latestSlot, floor time.Time) (l RunHistory, decided []Span) {
	l = h.History
	add := func(all []Span) {
		var closed []Span
		l, closed = l.addAll(all)
		decided = append(decided, closed...)
	}
	before := latestSlot // last missed slot before the one that the run counts for
	if !r.slot.IsZero() && !r.slot.After(latestSlot) {
		before = h.lastSlotBy(r.slot.Add(-Precision), floor)
	}
	if h.recordsMisses() {
		add(h.missedSpans(floor, before, maxSlots))
	}
	at := e.endedAt
	if r.decidedUntil.Before(e.endedAt) {
		at = e.startedAt // before the slot that is still expected
	}
	switch {
	case !r.slot.IsZero():
		add([]Span{h.spanOf(e, r.slot)})
	case e.failure != "" && !r.alreadyCounted: // a failed run is always recorded
		add([]Span{h.spanOf(e, laterOf(at, l.DecidedUntil.Add(Precision)))})
	}
	if h.recordsMisses() && h.Rule.Calendar != nil && !r.slot.IsZero() && r.slot.Before(latestSlot) {
		add(h.missedSpans(r.slot, latestSlot, maxSlots)) // slots that became due while it was active
	}
	l.DecidedUntil = laterOf(l.DecidedUntil, at)
	return l, decided
}

// decidedUntil returns the time up to which a finished run decides slots: its end, or just before
// the first expected slot that is within grace and that the run started too early for.
func (h *Heartbeat) decidedUntil(e finishedRun) time.Time {
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

// slotStartedFor returns the latest slot that a run with a known start started for: the last slot
// due by then, or a later one if the start was early for it. It returns zero if none exists.
func (h *Heartbeat) slotStartedFor(e finishedRun) time.Time {
	slots, early := h.Rule.Calendar.schedule, h.Rule.Early
	if early < 0 { // shorter than the gap, so it reaches at most the next slot
		if next, found := slots.Next(e.startedAt); found && !e.startedAt.Before(next.Add(-h.Rule.calendarEarlyWindow(next))) {
			return next
		}
		early = 0
	}
	slot, _ := slots.Prev(e.startedAt.Add(early + Precision)) // zero if none exists
	return slot
}

// countMissedSlots returns how many expected slots are due by now, except the answered one. With an
// interval, it stops at the answered one. It counts up to the alert threshold, because more does
// not change the result.
func (h *Heartbeat) countMissedSlots(now, answered time.Time) int {
	n := 0
	for slot := h.due(); !slot.IsZero() && !slot.After(now) && n < h.Rule.alertThreshold(); slot = h.slotAfter(slot) {
		switch {
		case !slot.Equal(answered):
			n++
		case h.Rule.Calendar == nil:
			return n
		}
	}
	return n
}

// openSlotFor returns the open slot that a run counts for, or zero if none is open. latestSlot is the
// latest due slot.
func (h *Heartbeat) openSlotFor(e finishedRun, latestSlot, floor time.Time) time.Time {
	if latestSlot.IsZero() {
		return latestSlot
	}
	lost := h.lastExpiredSlot(e.activeRuns, e.endedAt.Add(-Precision), floor)
	switch {
	case h.Rule.Calendar == nil:
		latestSlot = h.slotAfter(laterOf(lost, floor))
	case !e.startedAt.IsZero():
		if own := h.slotStartedFor(e); own.Before(latestSlot) {
			latestSlot = own
		}
	}
	if !latestSlot.After(laterOf(lost, floor)) || latestSlot.After(e.endedAt) {
		return time.Time{}
	}
	return latestSlot
}

// lastExpiredSlot returns the latest slot after floor that no run can answer after now, or zero if
// none exists. Its grace is over, and no run in progress that is within its time limit started by
// its deadline.
func (h *Heartbeat) lastExpiredSlot(runs []ActiveRun, now, floor time.Time) time.Time {
	over, limit := now, h.Rule.runLimit()
	for _, r := range runs {
		inTime := limit > 0 && !r.Overran && r.deadline(limit).After(now)
		if before := r.StartedAt.Add(-Precision); inTime && before.Before(over) {
			over = before
		}
	}
	return h.lastSlotBy(over.Add(-h.Rule.Grace-h.credit()), floor)
}

// nextSlotFor returns the slot that a run counts for if no slot is open, or zero if none exists.
func (h *Heartbeat) nextSlotFor(e finishedRun, floor time.Time) time.Time {
	if h.Rule.Calendar != nil {
		return h.earlySlotFor(e, floor)
	}
	if !e.endedAt.After(h.History.DecidedUntil) {
		return time.Time{} // a second ping at the same instant
	}
	return e.endedAt
}

// earlySlotFor returns the slot that a run is early for. It returns zero if none exists or if
// that slot is already counted.
func (h *Heartbeat) earlySlotFor(e finishedRun, floor time.Time) time.Time {
	slot := h.Rule.earlySlotAt(e.endedAt)
	tooEarly := !e.startedAt.IsZero() && !slot.IsZero() && e.startedAt.Before(slot.Add(-h.Rule.calendarEarlyWindow(slot)))
	if tooEarly || !slot.After(floor) {
		return time.Time{}
	}
	return slot
}

// countedByTimer reports whether a timer has counted this run, or the expected one, since the last
// ping. Then later pings of that run are not a further run. A run that started after another one
// overran is a further run, and so is a failed run that no timer counted.
func (h *Heartbeat) countedByTimer(e finishedRun) bool {
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

// spanOf returns the span of a run for a slot. A run of an interval is late from the due time on,
// like the status. A slot of a calendar is when the scheduler starts the job: the run is late if it
// started, or with an unknown start ended, later than onTimeWindow after the slot.
func (h *Heartbeat) spanOf(e finishedRun, slot time.Time) Span {
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
