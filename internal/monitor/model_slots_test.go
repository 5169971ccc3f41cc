package monitor

import (
	"slices"
	"time"
)

// The part of the model for slots: which have passed, which ping counts
// for which, and what is written down of each.

// slotsCount reports whether slots are expected.
func (m *model) slotsCount() bool {
	return m.from >= 0 && (m.status == "up" || m.status == "late" || m.status == "down")
}

// isSlot reports whether a second is a slot.
func (m *model) isSlot(second int) bool {
	if m.rule.slots != nil {
		return slices.Contains(m.rule.slots, second)
	}
	return m.from >= 0 && second > m.from && (second-m.from)%m.rule.interval == 0
}

// tick makes a slot due. A ping from now on counts for it, and not for the previous one.
func (m *model) tick(second int) {
	if !m.slotsCount() || !m.isSlot(second) || second <= m.counted {
		return
	}
	m.waiting = append(m.waiting, second)
	if m.expecting && second > m.written {
		m.openSlots = append(m.openSlots, second)
	}
}

// recordExpiredSlots records the open slots as missed whose grace is over by a second.
func (m *model) recordExpiredSlots(second int) {
	for m.slotsCount() && len(m.openSlots) > 0 {
		slot := m.openSlots[0]
		deadline := slot + m.rule.grace
		if second < deadline || m.busy(deadline, second) {
			return
		}
		m.record(slot, "missed", 0)
	}
}

// recordPassedSlots records the open slots before a second as missed, if a run of a calendar ended
// that does not count for them. Those of an interval do not apply, because it counts from the run.
func (m *model) recordPassedSlots(second int) {
	for m.rule.slots != nil && len(m.openSlots) > 0 && m.openSlots[0] < second {
		m.record(m.openSlots[0], "missed", 0)
	}
}

// startedFor reports whether a run that started at a second can count for a slot.
func (m *model) startedFor(slot, began int) bool {
	by := slot - began
	switch {
	case began < 0 || by <= 0: // unknown, or already due
		return true
	case m.rule.early >= 0:
		return by <= m.rule.early
	}
	return by <= m.rule.grace && 4*by <= m.gap(slot) && by <= 300
}

// firstOpenSlot returns the first slot that still waits for its own run, because this one started
// too early for it; -1 for none.
func (m *model) firstOpenSlot(e modelRunEnd) int {
	if m.rule.slots == nil || m.status == "paused" {
		return -1
	}
	open := m.rule.grace
	if g := m.rule.startGrace; g > 0 && g < open {
		open = g
	}
	for _, s := range m.rule.slots {
		if s > m.counted && s <= e.at && e.at <= s+open && !m.startedFor(s, e.began) {
			return s
		}
	}
	return -1
}

// waitFor keeps the slots from keep up to now waiting, none if keep is -1.
func (m *model) waitFor(keep, now int) {
	m.waiting, m.openSlots = nil, nil
	for _, s := range m.rule.slots {
		if keep < 0 || s < keep || s > now {
			continue
		}
		m.waiting = append(m.waiting, s)
		if s > m.written {
			m.openSlots = append(m.openSlots, s)
		}
	}
}

// nextSlot returns the first slot after a second, -1 for none.
func (m *model) nextSlot(after int) int {
	for s := after + 1; s <= after+1000; s++ {
		if m.isSlot(s) {
			return s
		}
	}
	return -1
}

// lastSlot returns the last slot up to a second, -1 for none.
func (m *model) lastSlot(by int) int {
	for s := by; s >= 0; s-- {
		if m.isSlot(s) {
			return s
		}
	}
	return -1
}

// gap returns the time between a slot and the previous one, a huge number for the first.
func (m *model) gap(slot int) int {
	if before := m.lastSlot(slot - 1); before >= 0 {
		return slot - before
	}
	return 1 << 20
}

// early returns the slot that a time is early for, -1 for none.
func (m *model) early(at int) int {
	if m.rule.slots == nil {
		return -1
	}
	s := m.nextSlot(at)
	if s < 0 || s <= m.written || s <= m.counted {
		return -1
	}
	by := s - at
	if m.rule.early >= 0 {
		if by <= m.rule.early {
			return s
		}
		return -1
	}
	if by <= m.rule.grace && 4*by <= m.gap(s) && by <= 300 {
		return s
	}
	return -1
}

// due returns the expected slot, -1 for none.
func (m *model) due() int { return m.nextSlot(m.counted) }

// deadline returns when silence opens an incident, -1 for never.
func (m *model) deadline() int {
	slot := m.due()
	for n := m.tolerated(); n > 1 && slot >= 0; n-- {
		slot = m.nextSlot(slot)
	}
	if slot < 0 {
		return -1
	}
	return slot + m.rule.grace
}

// tolerated returns the number of silent slots that opens an incident.
func (m *model) tolerated() int { return max(1, max(1, m.rule.after)-m.bad) }

// decide marks everything up to a second as decided.
func (m *model) decide(second int) {
	if second > m.written {
		m.written, m.ticks = second, 0
	}
}

// record records the outcome of a slot.
func (m *model) record(slot int, what string, late int) {
	m.outcomes = append(m.outcomes, modelOutcome{Slot: slot, What: what, LateBy: late})
	m.decide(slot)
	for len(m.openSlots) > 0 && m.openSlots[0] <= slot {
		m.openSlots = m.openSlots[1:]
	}
}

// recordFailure records a failed run, at the time of its end if it counts for no slot.
func (m *model) recordFailure(slot, at int, known bool, what string) {
	switch {
	case slot >= 0:
		m.record(slot, what, 0)
	case !known && at > m.written:
		m.record(at, what, 0)
	case !known: // this time already has an outcome
		m.ticks++
		m.outcomes = append(m.outcomes, modelOutcome{Slot: m.written, Ticks: m.ticks, What: what})
	}
}

// onTimeOrLate returns the outcome of a successful run.
func (m *model) onTimeOrLate(slot, at int, ended *modelRun) (string, int) {
	late := at - slot
	if m.rule.slots != nil {
		if ended != nil {
			late = ended.start - slot
		}
		if late <= 60 && 10*late <= m.gap(slot) {
			return "on_time", 0
		}
	}
	if late > 0 {
		return "late", late
	}
	return "on_time", 0
}

// countFailure counts a failed run of a ping once.
func (m *model) countFailure(cause string, at int, told bool) {
	if !told || m.bad == 0 {
		m.bad++
	}
	switch {
	case m.status == "down":
		m.cause = cause
		m.incidents[len(m.incidents)-1].Failures++
	case m.bad >= max(1, m.rule.after):
		m.open(cause, at)
	default:
		m.status = "up"
	}
}

// overrun counts a run that exceeds its time limit at a second.
func (m *model) overrun(second int) {
	runs := m.runs
	m.markOverruns(second)
	run := modelRunEnd{at: second, began: second - m.limit(), what: "overran", runs: runs}
	slot, known := m.assign(run)
	keep, decided := m.firstOpenSlot(run), second
	if keep >= 0 {
		decided = run.began
	}
	missed := m.missedBefore(slot, keep)
	through := slot
	for _, w := range m.waiting {
		if keep < 0 || w < keep {
			through = max(through, w)
		}
	}
	m.recordPassedSlots(m.countPassedSlots(slot, keep, second))
	m.recordFailure(slot, decided, known, "overran")
	m.recordPassedSlots(m.countPassedSlots(-1, keep, second))
	m.decide(decided)
	m.openSlots = slices.DeleteFunc(m.openSlots, func(s int) bool { return keep < 0 || s < keep })
	if m.rule.slots == nil && through >= 0 && m.from >= 0 {
		// The expected finish.
		through = m.nextSlot(max(m.counted, through-1))
	}
	m.tolerate("overran", second, missed+1, through)
}

// tolerate counts failed runs that a timer found.
func (m *model) tolerate(cause string, at, runs, through int) {
	if m.bad+runs >= max(1, m.rule.after) {
		m.open(cause, at)
		return
	}
	m.bad += runs
	m.counted = max(m.counted, through)
	m.waiting = slices.DeleteFunc(slices.Clone(m.waiting), func(s int) bool { return s <= m.counted })
}

// spans returns the recorded outcomes, with equal consecutive ones as one span.
func (m *model) spans() []expectedSpan {
	var all []expectedSpan
	for _, o := range m.outcomes {
		slot, late := seconds(o.Slot)+Precision*time.Duration(o.Ticks), seconds(o.LateBy)
		if n := len(all) - 1; n >= 0 && all[n].What == Outcome(o.What) {
			all[n].Last, all[n].Count, all[n].LateBy = slot, all[n].Count+1, max(all[n].LateBy, late)
		} else {
			all = append(all, expectedSpan{Outcome(o.What), slot, slot, 1, late})
		}
	}
	return all
}
