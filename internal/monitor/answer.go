package monitor

import "time"

// runEnd is how a run ended: by a ping, or because its time was over.
type runEnd struct {
	at      time.Time
	ping    bool      // a ping ended it
	began   time.Time // zero when nobody said
	outcome Outcome   // of a bad run; empty for a good one
	runs    []Run     // in progress just before it
}

// reckoned is what the end of a run decided.
type reckoned struct {
	slot    time.Time // that it counts for, zero when it counts for none
	known   bool      // it counts for none, because a clock has counted it
	missed  int       // slots waited for that nothing came for, as far as it matters
	through time.Time // the last of all these slots, zero when there is none
	decided []Stretch // that will not grow any more
}

// reckon says which slot a run counts for, and writes that down together with
// all slots that were passed over.
//
// It counts for the last slot that has come, if it is within grace or a run
// that began by the deadline was in progress. Otherwise that slot is missed, and
// the run counts for the next: with a calendar if it is early for it, with an
// interval in any case, as a run of its own. No run counts for two slots, and no
// slot has two runs.
func (h Heartbeat) reckon(e runEnd) (Heartbeat, reckoned) {
	expected := h.Judged() && !h.Ledger.Until.IsZero()
	floor := h.Created // the very first ping may answer a calendar's slot
	if !h.Ledger.Until.IsZero() {
		floor = later(h.Ledger.Until, h.counted())
	}
	come := h.slotBy(e.at, floor)
	if !expected && h.Rule.Calendar == nil {
		come = time.Time{}
	}
	r := reckoned{slot: come, through: come}
	passed := come // the last slot that this run does not count for
	if h.inTime(come, e) {
		passed = h.slotBy(come.Add(-Tick), floor)
	} else if r.known = expected && come.IsZero() && h.clocked(); r.known {
		r.slot = h.earlyFor(e, floor)
		r.known = r.slot.IsZero()
	} else {
		r.slot = h.next(e, floor)
	}
	var all []Stretch
	if expected {
		r.missed = h.unmet(e.at, r.slot)
		all = h.missed(floor, passed, mostSlots)
	}
	if !r.slot.IsZero() {
		all = append(all, h.counting(e, r.slot))
		r.through = later(r.through, r.slot)
	}
	h.Ledger, r.decided = h.Ledger.addAll(all)
	h.Ledger.Until = later(h.Ledger.Until, e.at)
	return h, r
}

// unmet is how many of the slots that are waited for have come by now, but for
// the one that is answered. More than open an incident are not counted.
func (h Heartbeat) unmet(now, answered time.Time) int {
	n := 0
	for slot := h.Due(); !slot.IsZero() && !slot.After(now) && n < h.Rule.alertAfter(); slot = h.slotAfter(slot) {
		if !slot.Equal(answered) {
			n++
		}
	}
	return n
}

// inTime reports whether the end of a run can still count for a slot.
func (h Heartbeat) inTime(slot time.Time, e runEnd) bool {
	if slot.IsZero() {
		return false
	}
	deadline := slot.Add(h.Rule.Grace)
	return !e.at.After(deadline) || h.excused(e.runs, deadline, e.at)
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
	if !slot.After(floor) {
		return time.Time{}
	}
	return slot
}

// clocked reports whether a clock has counted the run that is waited for since
// the last ping: what comes of it later is no further run.
func (h Heartbeat) clocked() bool {
	tail := h.Ledger.Tail
	return (tail.Outcome == RunOverran || tail.Outcome == RunNotStarted) && tail.Last.After(h.From)
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
