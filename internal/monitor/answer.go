package monitor

import "time"

// runEnd is how a run ended: by a ping, or because its time was over.
type runEnd struct {
	at      time.Time
	ping    bool      // a ping ended it
	began   time.Time // zero when nobody said
	outcome Outcome   // of a bad run; empty for a good one
	lost    bool      // it took too long, and that was counted
	runs    []Run     // in progress just before it
}

// reckoned is what the end of a run decided.
type reckoned struct {
	slot    time.Time // that it counts for, zero when it counts for none
	known   bool      // it counts for none, because a clock has counted it
	missed  int       // slots waited for that nothing came for, as far as it matters
	through time.Time // the last of all these slots, zero when there is none
	upTo    time.Time // slots up to here are no longer waited for
	decided []Stretch // that will not grow any more
}

// reckon says which slot a run counts for, and writes that down together with
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
func (h Heartbeat) reckon(e runEnd) (Heartbeat, reckoned) {
	floor := h.Created // the very first ping may answer a calendar's slot
	if !h.Ledger.Until.IsZero() {
		floor = later(h.Ledger.Until, h.counted())
	}
	r := reckoned{upTo: h.upTo(e)}
	come := h.slotBy(r.upTo, floor)
	if !h.expecting() && h.Rule.Calendar == nil {
		come = time.Time{}
	}
	r.slot = h.answered(e, come, floor)
	if r.slot.IsZero() {
		if r.known = come.IsZero() && h.clocked(e); r.known {
			r.slot = h.earlyFor(e, floor)
			r.known = r.slot.IsZero()
		} else {
			r.slot = h.next(e, floor)
		}
	}
	if h.expecting() {
		r.missed, r.through = h.unmet(r.upTo, r.slot), come
	}
	h.Ledger, r.decided = h.write(e, r, come, floor)
	r.through = later(r.through, r.slot)
	return h, r
}

// write returns the ledger with a run and the slots that it passed over. come is
// the last slot that has come and is decided now.
func (h Heartbeat) write(e runEnd, r reckoned, come, floor time.Time) (l Ledger, decided []Stretch) {
	l = h.Ledger
	add := func(all []Stretch) {
		var closed []Stretch
		l, closed = l.addAll(all)
		decided = append(decided, closed...)
	}
	before := come // the last slot that was missed before the one that the run counts for
	if !r.slot.IsZero() && !r.slot.After(come) {
		before = h.slotBy(r.slot.Add(-Tick), floor)
	}
	if h.expecting() {
		add(h.missed(floor, before, mostSlots))
	}
	at := e.at
	if r.upTo.Before(e.at) {
		at = e.began // before the slot that is still waited for
	}
	switch {
	case !r.slot.IsZero():
		add([]Stretch{h.counting(e, r.slot)})
	case e.outcome != "" && !r.known: // a bad run is never left out
		add([]Stretch{h.counting(e, later(at, l.Until.Add(Tick)))})
	}
	if h.expecting() && h.Rule.Calendar != nil && !r.slot.IsZero() && r.slot.Before(come) {
		add(h.missed(r.slot, come, mostSlots)) // they passed while it was in progress
	}
	l.Until = later(l.Until, at)
	return l, decided
}

// upTo returns the moment up to which slots are decided by the end of a run: its
// end, or just before the first slot that is waited for within its grace and that
// the run began too early for.
func (h Heartbeat) upTo(e runEnd) time.Time {
	if h.Rule.Calendar == nil || e.began.IsZero() || h.Status == Paused {
		return e.at
	}
	from := later(later(h.beganFor(e), e.began), e.at.Add(-h.Rule.open()-Tick))
	slot, found := h.Rule.Calendar.slots.Next(later(from, later(h.Created, h.counted())))
	if !found || slot.After(e.at) {
		return e.at
	}
	return slot.Add(-Tick)
}

// beganFor returns the last slot that a run with a start began for: the last that
// had come by then, or a later one that the start was early for. Zero for none.
func (h Heartbeat) beganFor(e runEnd) time.Time {
	slots, early := h.Rule.Calendar.slots, h.Rule.Early
	if early < 0 { // less than the gap, so it reaches the next slot at most
		if next, found := slots.Next(e.began); found && !e.began.Before(next.Add(-h.Rule.early(next))) {
			return next
		}
		early = 0
	}
	slot, _ := slots.Prev(e.began.Add(early + Tick)) // zero where there is none
	return slot
}

// unmet is how many of the slots that are waited for have come by now, except
// the one that is answered, and with an interval those after it. More than open
// an incident are not counted.
func (h Heartbeat) unmet(now, answered time.Time) int {
	n := 0
	for slot := h.Due(); !slot.IsZero() && !slot.After(now) && n < h.Rule.alertAfter(); slot = h.slotAfter(slot) {
		switch {
		case !slot.Equal(answered):
			n++
		case h.Rule.Calendar == nil:
			return n
		}
	}
	return n
}

// answered returns the open slot that a run counts for, zero when none is open.
// come is the last slot that has come.
func (h Heartbeat) answered(e runEnd, come, floor time.Time) time.Time {
	if come.IsZero() {
		return come
	}
	lost := h.lastLost(e.runs, e.at.Add(-Tick), floor)
	switch {
	case h.Rule.Calendar == nil:
		come = h.slotAfter(later(lost, floor))
	case !e.began.IsZero():
		if own := h.beganFor(e); own.Before(come) {
			come = own
		}
	}
	if !come.After(later(lost, floor)) || come.After(e.at) {
		return time.Time{}
	}
	return come
}

// lastLost returns the last slot after floor that no run can answer any more at
// the end of now, zero if there is no such slot: its grace is over, and of the runs in
// progress, each within its time, none began by its deadline.
func (h Heartbeat) lastLost(runs []Run, now, floor time.Time) time.Time {
	over, limit := now, h.Rule.runLimit()
	for _, r := range runs {
		inTime := limit > 0 && !r.Lost && r.Start.Add(limit).After(now)
		if before := r.Start.Add(-Tick); inTime && before.Before(over) {
			over = before
		}
	}
	return h.slotBy(over.Add(-h.Rule.Grace), floor)
}

// next returns the slot that a run counts for when it does not count for the
// one that has come, zero for none.
func (h Heartbeat) next(e runEnd, floor time.Time) time.Time {
	if h.Rule.Calendar != nil {
		return h.earlyFor(e, floor)
	}
	if !e.at.After(h.Ledger.Until) {
		return time.Time{} // a second ping at the same instant
	}
	return e.at
}

// earlyFor returns the slot that a run is early for, zero for none, or when that
// slot is counted already.
func (h Heartbeat) earlyFor(e runEnd, floor time.Time) time.Time {
	slot := h.Rule.earlyFor(e.at)
	tooEarly := !e.began.IsZero() && !slot.IsZero() && e.began.Before(slot.Add(-h.Rule.early(slot)))
	if tooEarly || !slot.After(floor) {
		return time.Time{}
	}
	return slot
}

// clocked reports whether a clock has counted this run, or the one that is waited
// for, since the last ping: what comes of it later is no further run. A run that
// began after another one overran is, and so is a bad run that no clock counted.
func (h Heartbeat) clocked(e runEnd) bool {
	tail := h.Ledger.Tail
	if h.Status == Paused || !tail.Last.After(h.Heard) {
		return false
	}
	switch tail.Outcome {
	case RunNotStarted:
		return e.outcome == ""
	case RunOverran:
		byPing := e.ping && e.outcome != ""
		return e.lost || !byPing && !e.began.After(h.Ledger.Until)
	}
	return false
}

// counting is the run as it counts for a slot. An interval is late from the
// moment it is due, as its status says. A calendar says when the job begins: its
// run is late when it began, or where nobody said so ended, well after the slot.
func (h Heartbeat) counting(e runEnd, slot time.Time) Stretch {
	s := Stretch{Outcome: e.outcome, First: slot, Last: slot, Count: 1}
	if e.ping {
		s.At = e.at
	}
	if s.Outcome != "" {
		return s
	}
	s.Outcome = RunOnTime
	came, punctual := e.at, time.Duration(0)
	if h.Rule.Calendar != nil {
		punctual = h.Rule.punctual(slot)
		if !e.began.IsZero() {
			came = e.began
		}
	}
	if late := came.Sub(slot); late > punctual {
		s.Outcome, s.LateBy = RunLate, late
	}
	return s
}
