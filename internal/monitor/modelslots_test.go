package monitor

import "slices"

// The part of the model that knows slots: which have come, which ping counts
// for which, and what is written down of each.

// slotsCount reports whether slots come and go.
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

// tick lets a slot come. A ping from now on counts for it, and not for the one
// before.
func (m *model) tick(second int) {
	if !m.slotsCount() || !m.isSlot(second) || second <= m.counted {
		return
	}
	m.waiting = append(m.waiting, second)
	if m.expecting && second > m.written {
		if m.pending >= 0 {
			m.write(m.pending, "missed", 0)
		}
		m.pending = second
	}
}

// nextSlot is the first slot after a second, -1 when there is none.
func (m *model) nextSlot(after int) int {
	for s := after + 1; s <= after+1000; s++ {
		if m.isSlot(s) {
			return s
		}
	}
	return -1
}

// lastSlot is the last slot up to a second, -1 when there is none.
func (m *model) lastSlot(by int) int {
	for s := by; s >= 0; s-- {
		if m.isSlot(s) {
			return s
		}
	}
	return -1
}

// gap is the time between a slot and the one before it, huge when there is none.
func (m *model) gap(slot int) int {
	if before := m.lastSlot(slot - 1); before >= 0 {
		return slot - before
	}
	return 1 << 20
}

// early returns the slot that a moment is early for, -1 for none.
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

// due is the slot that is waited for, deadline when its silence, or that of
// those after it, is an incident; -1 for none.
func (m *model) due() int { return m.nextSlot(m.counted) }

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

// tolerated is the how-manieth silent slot opens an incident.
func (m *model) tolerated() int { return max(1, max(1, m.rule.after)-m.bad) }

// write notes what became of a slot.
func (m *model) write(slot int, what string, late int) {
	m.outcomes = append(m.outcomes, modelOutcome{slot, what, late})
	m.written = max(m.written, slot)
	if m.pending == slot {
		m.pending = -1
	}
}

// correct is write for a slot that may have been told as missed, because the
// next had come.
func (m *model) correct(slot int, what string) {
	for i, o := range m.outcomes {
		if o.Slot == slot && o.What == "missed" {
			m.outcomes[i].What = what
			return
		}
	}
	if slot > m.written {
		m.write(slot, what, 0)
	}
}

// clocked reports whether a clock has counted the run that is waited for.
func (m *model) clocked() bool {
	if len(m.outcomes) == 0 {
		return false
	}
	last := m.outcomes[len(m.outcomes)-1]
	return (last.What == "overran" || last.What == "not_started") && last.Slot > m.from
}

// counts finds the slot that a run counts for, -1 for none, and reports whether
// it counts for none because a clock counted it.
func (m *model) counts(at int, runs []modelRun) (slot int, known bool) {
	expected := m.expecting && m.slotsCount()
	switch {
	case expected && m.pending >= 0:
		return m.pending, false
	case !expected && m.rule.slots != nil:
		s := m.lastSlot(at)
		floor := 0
		if m.expecting {
			floor = max(m.written, m.counted)
		}
		busy := &model{rule: m.rule, runs: runs}
		if s > floor && (at <= s+m.rule.grace || busy.busy(s+m.rule.grace, at-1)) {
			return s, false
		}
	}
	if s := m.early(at); s >= 0 {
		return s, false
	}
	if expected && m.clocked() {
		return -1, true
	}
	if m.rule.slots != nil || at <= m.written {
		return -1, false
	}
	return at, false
}

// count applies the end of a run that a ping tells of.
func (m *model) count(e modelEvent, ended *modelRun, was []modelRun) {
	slot, known := m.counts(e.at, was)
	what := ""
	switch {
	case e.what == "fail":
		what = "failed"
	case ended != nil && e.at-ended.start < m.rule.shortest:
		what = "too_short"
	}
	missed := m.missedBefore(slot)
	if slot >= 0 {
		outcome, late := what, 0
		if what == "" {
			outcome, late = m.punctuality(slot, e.at, ended)
		}
		m.write(slot, outcome, late)
	}
	m.giveUp(e.at)
	m.bad += missed
	ahead := m.written
	m.from, m.counted, m.expecting, m.waiting, m.pending = e.at, e.at, true, nil, -1
	m.written = max(m.written, e.at)
	if m.rule.slots != nil {
		m.counted = max(m.counted, ahead)
	}
	if what != "" {
		m.badRun(map[string]string{"failed": "failure", "too_short": "too_short"}[what], e.at)
		return
	}
	resolved := m.status == "down"
	if resolved {
		m.resolve("recovered", e.at)
	}
	lost := ended != nil && ended.told
	if resolved || !lost && !known {
		m.bad = 0
	}
	m.status = "up"
}

// missedBefore is how many slots were waited for in vain before the one that a
// run counts for.
func (m *model) missedBefore(slot int) int {
	n := 0
	for _, w := range m.waiting {
		if w != slot {
			n++
		}
	}
	return n
}

// punctuality tells whether a good run is on time.
func (m *model) punctuality(slot, at int, ended *modelRun) (string, int) {
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

// badRun counts a bad run that a ping told of.
func (m *model) badRun(cause string, at int) {
	m.bad++
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

// overrun counts a run that takes too long at a second.
func (m *model) overrun(second int) {
	runs := m.runs
	m.tellRuns(second)
	if m.status == "new" {
		m.bear("overran", second, 1, -1)
		return
	}
	slot, _ := m.counts(second, runs)
	missed := m.missedBefore(slot)
	through := slot
	if len(m.waiting) > 0 {
		through = max(through, m.waiting[len(m.waiting)-1])
	}
	if slot >= 0 {
		m.write(slot, "overran", 0)
	}
	m.written = max(m.written, second)
	m.pending = -1
	if m.rule.slots == nil && through >= 0 {
		// The finish that is waited for.
		through = m.nextSlot(max(m.counted, through-1))
	}
	m.bear("overran", second, missed+1, through)
}

// bear counts bad runs that a clock told of.
func (m *model) bear(cause string, at, runs, through int) {
	if m.bad+runs >= max(1, m.rule.after) {
		m.open(cause, at)
		return
	}
	m.bad += runs
	m.counted = max(m.counted, through)
	m.waiting = slices.DeleteFunc(slices.Clone(m.waiting), func(s int) bool { return s <= m.counted })
}

// folded is what is written down, with equal outcomes in a row as one stretch.
func (m *model) folded() []stretch {
	var all []stretch
	for _, o := range m.outcomes {
		slot, late := seconds(o.Slot), seconds(o.LateBy)
		if n := len(all) - 1; n >= 0 && all[n].What == Outcome(o.What) {
			all[n].Last, all[n].Count, all[n].LateBy = slot, all[n].Count+1, max(all[n].LateBy, late)
		} else {
			all = append(all, stretch{Outcome(o.What), slot, slot, 1, late})
		}
	}
	return all
}
