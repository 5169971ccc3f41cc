package monitor

import "slices"

// The part of the model that decides which slot the end of a run counts for.

// countedByTimer reports whether a timer has counted the run that ended, or the expected one. It
// has not if another run overran before this one started. A timer counts a failed run only if it
// was this run that overran.
func (m *model) countedByTimer(e modelRunEnd) bool {
	if len(m.outcomes) == 0 || m.status == "paused" {
		return false
	}
	last := m.outcomes[len(m.outcomes)-1]
	if heard := max(m.from, m.staleBefore); last.Slot < heard || last.Slot == heard && last.Ticks == 0 {
		return false
	}
	switch e.what {
	case "":
		return last.What == "not_started" || last.What == "overran" && (e.counted || e.began <= m.written)
	case "overran":
		return last.What == "overran" && e.began <= m.written
	}
	return last.What == "overran" && e.counted
}

// modelRunEnd is the end of a run.
type modelRunEnd struct {
	at, began int // -1 if unknown
	what      string
	counted   bool // it exceeded its time limit, and that was counted
	runs      []modelRun
}

// assign returns the slot that a run counts for, or -1, and reports whether it counts for none
// because a timer counted it.
func (m *model) assign(e modelRunEnd) (slot int, known bool) {
	at := e.at
	expected := m.expecting && m.slotsCount()
	open, further := len(m.openSlots), false // since a slot is due
	switch {
	case expected && open > 0 && m.rule.slots == nil:
		return m.openSlots[0], false
	case expected && open > 0:
		for _, s := range slices.Backward(m.openSlots) {
			if m.startedFor(s, e.began) {
				return s, false
			}
		}
		keep := m.firstOpenSlot(e)
		further = keep < 0 || m.openSlots[0] < keep
	case !expected && m.rule.slots != nil:
		s := m.lastSlot(at)
		floor := 0
		if m.written >= 0 {
			floor = max(m.written, m.counted)
		}
		busy := &model{rule: m.rule, runs: e.runs}
		if keep := m.firstOpenSlot(e); keep >= 0 {
			s = m.lastSlot(keep - 1)
		}
		further = s > floor
		for s > floor && !m.startedFor(s, e.began) {
			s = m.lastSlot(s - 1)
		}
		if s > floor && (at <= s+m.rule.grace || busy.busy(s+m.rule.grace, at-1)) {
			return s, false
		}
	}
	if s := m.early(at); s >= 0 && m.startedFor(s, e.began) {
		return s, false
	}
	if !further && m.countedByTimer(e) {
		return -1, true
	}
	if m.rule.slots != nil || at <= m.written {
		return -1, false
	}
	return at, false
}

// failureOf returns the outcome of a failed or too short run, "" for a success.
func (m *model) failureOf(e modelEvent, ended *modelRun) string {
	switch {
	case e.what == "fail":
		return "failed"
	case ended != nil && e.at-ended.start < m.rule.shortest:
		return "too_short"
	}
	return ""
}

// count applies the end of a run that a ping reports.
func (m *model) count(e modelEvent, ended *modelRun, was []modelRun) {
	what := m.failureOf(e, ended)
	run := modelRunEnd{at: e.at, began: -1, what: what, runs: was}
	if ended != nil {
		run.began, run.counted = ended.start, ended.counted
	}
	slot, known := m.assign(run)
	keep, decided := m.firstOpenSlot(run), e.at
	if keep >= 0 {
		decided = run.began
	}
	missed := m.missedBefore(slot, keep)
	m.recordPassedSlots(m.countPassedSlots(slot, keep, e.at))
	if what != "" {
		m.recordFailure(slot, decided, known, what)
	} else if slot >= 0 {
		outcome, late := m.onTimeOrLate(slot, e.at, ended)
		m.record(slot, outcome, late)
	}
	m.recordPassedSlots(m.countPassedSlots(-1, keep, e.at))
	m.dropExpiredRuns(e.at)
	m.bad += missed
	ahead := m.written
	m.from, m.counted, m.staleBefore, m.expecting = e.at, e.at, e.at, true
	if keep >= 0 {
		m.from, m.counted = keep-1, keep-1
	}
	m.waitFor(keep, e.at)
	m.decide(decided)
	if m.rule.slots != nil && ahead > e.at {
		m.counted = ahead
	}
	if what != "" {
		m.countFailure(map[string]string{"failed": "failure", "too_short": "too_short"}[what], e.at, run.counted)
		return
	}
	resolved := m.status == "down"
	if resolved {
		m.resolve("recovered", e.at)
	}
	lost := ended != nil && ended.counted
	if resolved || !lost && !known {
		m.bad = 0
	}
	m.status = "up"
}

// countPassedSlots returns the second before which all open slots are missed: the slot that a run
// counts for; if it counts for none, the one that stays open, or now.
func (m *model) countPassedSlots(slot, keep, now int) int {
	switch {
	case slot >= 0:
		return slot
	case keep >= 0:
		return keep
	}
	return now + 1
}

// missedBefore returns how many expected slots had no run, except the one that a run counts for and
// those from keep on. With an interval, later slots do not apply.
func (m *model) missedBefore(slot, keep int) int {
	n := 0
	for _, w := range m.waiting {
		if w == slot && m.rule.slots == nil || keep >= 0 && w >= keep {
			break
		}
		if w != slot {
			n++
		}
	}
	return n
}
