package monitor

import (
	"slices"
	"time"
)

// MaintenanceState is what maintenance means for a heartbeat. It is part of the state of the
// heartbeat, so that pings and sweeps on every node know a window before it starts. A value is never
// changed, because copies of the heartbeat share it.
type MaintenanceState struct {
	// Windows are the planned ones, oldest first. They do not touch. Some that are over remain, because
	// an edit evaluates the current wait again.
	Windows   []Window
	Applied   time.Time     // windows that ended by then are taken into account
	Credit    time.Duration // how much later the deadline is
	Excused   time.Duration // time of the current silence that was in windows
	Restarted Window        // from whose end the wait counts; zero for none
	Failure   HeldFailure   // reported in the window in progress, zero for none
}

// HeldFailure is a failed run that ended in a window. It opens an incident at the end of the window,
// unless a run succeeds before.
type HeldFailure struct {
	At         time.Time
	Cause      Cause
	PingNumber int64
	Reason     string // what the job reported, as a sentence
}

// changeMaintenance returns the heartbeat with a changed copy of the state of its maintenance.
func (h Heartbeat) changeMaintenance(change func(*MaintenanceState)) Heartbeat {
	var s MaintenanceState
	if h.Maintenance != nil {
		s = *h.Maintenance
	}
	change(&s)
	h.Maintenance = &s
	return h
}

// credit returns how much later the deadline is because of blackouts and windows.
func (h *Heartbeat) credit() time.Duration {
	if h.Maintenance == nil {
		return h.Blackout.Credit
	}
	return h.Blackout.Credit + h.Maintenance.Credit
}

// pendingWindows returns the windows that are not taken into account yet.
func (h *Heartbeat) pendingWindows() []Window {
	if h.Maintenance == nil || h.Status == Paused {
		return nil
	}
	all := h.Maintenance.Windows
	for len(all) > 0 && !all[0].To.After(h.Maintenance.Applied) {
		all = all[1:]
	}
	return all
}

// nextWindow returns the first pending window if it begins by now.
func (h *Heartbeat) nextWindow(now time.Time) (Window, bool) {
	all := h.pendingWindows()
	if len(all) == 0 || all[0].From.After(now) {
		return Window{}, false
	}
	return all[0], true
}

// InMaintenance returns the window that contains now.
func (h Heartbeat) InMaintenance(now time.Time) (Window, bool) {
	if h.Maintenance != nil {
		for _, w := range h.Maintenance.Windows {
			if w.Contains(now) {
				return w, true
			}
		}
	}
	return Window{}, false
}

// NextMaintenance returns the first window that starts after now.
func (h Heartbeat) NextMaintenance(now time.Time) (Window, bool) {
	if h.Maintenance != nil {
		for _, w := range h.Maintenance.Windows {
			if w.From.After(now) {
				return w, true
			}
		}
	}
	return Window{}, false
}

// afterWindows returns when what is due at next is evaluated: nothing is in a window. A failure in a
// window is evaluated at its end.
func (h *Heartbeat) afterWindows(next time.Time) time.Time {
	pending := h.pendingWindows()
	if len(pending) == 0 {
		return next
	}
	first := pending[0]
	if !h.Maintenance.Failure.At.IsZero() || h.Status == Late && h.excuses(first) {
		next = Earlier(next, first.To)
	}
	for _, w := range pending {
		if w.Contains(next) {
			return w.To
		}
	}
	return next
}

// silenceEnds returns when the silence of a slot is evaluated.
func (h *Heartbeat) silenceEnds(slot time.Time) time.Time {
	if h.Rule.hasStartDeadline() {
		return slot.Add(h.Rule.StartGrace + h.credit())
	}
	return slot.Add(h.Rule.Grace + h.credit())
}

// firstExcused returns the first expected slot that was not over before a window, and the number of
// those that were.
func (h *Heartbeat) firstExcused(w Window) (slot time.Time, failed int) {
	for slot = h.due(); !slot.IsZero() && h.silenceEnds(slot).Before(w.From) && failed < h.Rule.alertThreshold(); slot = h.slotAfter(slot) {
		failed++
	}
	return slot, failed
}

// excuses reports whether a window excuses an expected run: its time from the due time to the deadline
// is partly in the window.
func (h *Heartbeat) excuses(w Window) bool {
	slot, _ := h.firstExcused(w)
	return !slot.IsZero() && slot.Before(w.To) && !h.alertingSlot().IsZero()
}

// applyWindow takes a window into account that has ended. Every deadline before it has been applied.
func (h Heartbeat) applyWindow(w Window, change Change) (Heartbeat, Change) {
	failure, silence := h.Maintenance.Failure, max(0, w.To.Sub(laterOf(w.From, h.silentSince())))
	h = h.changeMaintenance(func(s *MaintenanceState) {
		if s.Applied = w.To; w.Contains(failure.At) {
			s.Failure = HeldFailure{}
		}
	})
	covered := h.coveredByRun(h.ActiveRuns, h.deadline(), time.Time{})
	h = h.excuseRuns(w)
	switch h.Status {
	case New:
		h = h.excuseFirstPing(w)
	case Up, Late:
		if !covered {
			h, change = h.applyWindowToWait(w, change)
		}
	case Down:
		h, change = h.recordExcused(w, change)
	}
	h = h.changeMaintenance(func(s *MaintenanceState) { s.Excused += silence })
	if w.Contains(failure.At) && (h.Status == Up || h.Status == Late) {
		return h.openHeld(failure, w, change)
	}
	return h, change
}

// applyWindowBefore takes the part of a window before a ping into account that ends a run in it: slots
// up to then are excused. The rest is taken into account later.
func (h Heartbeat) applyWindowBefore(at time.Time, change Change) (Heartbeat, Change) {
	w, begun := h.nextWindow(at.Add(-Precision))
	if !begun || at.After(w.To) {
		return h, change
	}
	w.To = at.Add(-Precision) // the ping counts for a slot at its own time
	switch {
	case h.Status == Down:
		return h.recordExcused(w, change)
	case h.expectsPings() && !h.coveredByRun(h.ActiveRuns, h.deadline(), time.Time{}) && h.excuses(w):
		return h.restartAfter(w, change)
	}
	return h, change
}

// excuseRuns lets the time limit of runs that reach it in a window begin again at its end.
func (h Heartbeat) excuseRuns(w Window) Heartbeat {
	limit := h.Rule.runLimit()
	if limit == 0 || len(h.ActiveRuns) == 0 {
		return h
	}
	runs := slices.Clone(h.ActiveRuns)
	for i, r := range runs {
		if by := r.deadline(limit); !r.Overran && w.Contains(by) {
			runs[i].Credit += w.To.Add(limit).Sub(by)
		}
	}
	h.ActiveRuns = runs
	return h
}

// excuseFirstPing moves the time by which the first ping is expected if it is in a window. Once it has
// been moved, it moves by the length of a window only, so that it is reached between any windows.
func (h Heartbeat) excuseFirstPing(w Window) Heartbeat {
	by := h.firstPingDeadline()
	if by.IsZero() || !w.Contains(by) {
		return h
	}
	next := w.To.Add(by.Sub(w.From))
	if slot := h.slotAfterWindow(w); h.Maintenance.Credit == 0 && !slot.IsZero() {
		next = slot.Add(h.Rule.Grace)
	} else if h.Maintenance.Credit > 0 {
		next = w.To
	}
	return h.changeMaintenance(func(s *MaintenanceState) { s.Credit += next.Sub(by) })
}

// applyWindowToWait takes a window into account for the expected run.
//
// The wait starts again at the end of the window. An interval whose wait started again before, and
// whose silence outside of windows is longer than a whole period, is evaluated: its deadline only moves
// by what was left of it. Otherwise, windows that recur more often than the job runs would
// always hide that the job is dead. The slots of a calendar do not move, so those outside of windows are
// evaluated anyway.
func (h Heartbeat) applyWindowToWait(w Window, change Change) (Heartbeat, Change) {
	if !h.excuses(w) {
		return h, change
	}
	due, deadline := h.due(), h.deadline()
	period := h.Rule.intervalStep() + deadline.Sub(due) - h.credit()
	watched := w.From.Sub(h.silentSince()) - h.Blackout.Unwatched - h.Maintenance.Excused
	restarted := !h.Maintenance.Restarted.To.IsZero() || h.Blackout.RestartedAfter.Key > 0
	if h.Rule.Calendar == nil && restarted && watched >= period {
		left := max(0, deadline.Sub(laterOf(w.From, due)))
		return h.changeMaintenance(func(s *MaintenanceState) { s.Credit += w.To.Add(left).Sub(deadline) }), change
	}
	return h.restartAfter(w, change)
}

// restartAfter starts the wait again at the end of a window. Slots that were over before it are failed
// runs, and the later ones up to its end are excused.
func (h Heartbeat) restartAfter(w Window, change Change) (Heartbeat, Change) {
	_, failed := h.firstExcused(w)
	h.FailedRuns, h.Tolerated = h.consecutiveFailures()+failed, ToleratedRuns{}
	h, change = h.recordExcused(w, change)
	from := w.To
	if h.Rule.Calendar != nil {
		from = w.To.Add(-Precision) // the slot at the end is expected
	}
	h.EarlySlot = h.pendingEarlySlot(from)
	h.CountedFrom, h.History.DecidedUntil = from, laterOf(h.History.DecidedUntil, from)
	h.Status, change.LateSince = Up, time.Time{}
	h.Blackout.Credit = 0
	return h.changeMaintenance(func(s *MaintenanceState) { s.Credit, s.Restarted = 0, w }), change
}

// recordExcused records the slots that were over before a window as missed, and the other ones in it as
// excused.
func (h Heartbeat) recordExcused(w Window, change Change) (Heartbeat, Change) {
	h, closed := h.recordSilence(w.From.Add(-Precision))
	change.ClosedSpans = append(change.ClosedSpans, closed...)
	if !h.recordsMisses() {
		return h, change
	}
	floor := laterOf(h.History.DecidedUntil, h.countedUntil())
	h.History, closed = h.History.addAll(excusedSpans(h.missedSpans(floor, h.lastSlotBy(w.To.Add(-Precision), floor), maxSlots)))
	change.ClosedSpans = append(change.ClosedSpans, closed...)
	return h, change
}

// excusedSpans returns missed slots as excused ones.
func excusedSpans(missed []Span) []Span {
	for i := range missed {
		missed[i].Outcome = RunExcused
	}
	return missed
}

// openHeld counts a failure that was reported in a window and after which no run succeeded. It is dated
// at the end of the window.
func (h Heartbeat) openHeld(f HeldFailure, w Window, change Change) (Heartbeat, Change) {
	if h.FailedRuns = h.consecutiveFailures() + 1; h.FailedRuns < h.Rule.alertThreshold() {
		h.Tolerated = ToleratedRuns{}
		return h, change
	}
	return h.openIncident(&Opening{
		Cause: f.Cause, At: w.To, LastPing: h.LastPing, PingNumber: f.PingNumber,
		Reason: f.Reason + explainHeld(w) + h.explainThreshold(h.FailedRuns),
	}, change)
}

// maintenanceAfterPing returns the heartbeat after a ping that ends a run: the wait is a new one.
func (h Heartbeat) maintenanceAfterPing(held HeldFailure) Heartbeat {
	if h.Maintenance == nil {
		return h
	}
	return h.changeMaintenance(func(s *MaintenanceState) {
		s.Credit, s.Excused, s.Restarted, s.Failure = 0, 0, Window{}, held
	})
}

// withoutMaintenance returns the heartbeat before the windows of its current wait, which become pending
// again: another rule can treat them differently.
func (h Heartbeat) withoutMaintenance() Heartbeat {
	if h.Maintenance == nil {
		return h
	}
	return h.changeMaintenance(func(s *MaintenanceState) { s.Credit, s.Excused, s.Applied = 0, 0, time.Time{} })
}

// maintenanceAfterStop returns the heartbeat after a pause or a resumption, which end the current wait.
func (h Heartbeat) maintenanceAfterStop() Heartbeat {
	if h.Maintenance == nil {
		return h
	}
	windows := h.Maintenance.Windows
	return h.changeMaintenance(func(s *MaintenanceState) { *s = MaintenanceState{Windows: windows, Applied: s.Applied} })
}

// excuseFailure returns the outcome of a run that a ping ended, and the failure to hold if the ping
// arrived in a window: a job whose services are being worked on may fail. An open incident continues.
func (h *Heartbeat) excuseFailure(failure Outcome, p Ping) (Outcome, HeldFailure) {
	w, open := h.InMaintenance(p.At)
	if failure == "" || !open || h.Status == Down || !w.To.After(h.Maintenance.Applied) {
		return failure, HeldFailure{}
	}
	held := HeldFailure{At: p.At, Cause: CauseFailure, PingNumber: p.Number, Reason: explainFailure(p)}
	if failure == RunTooShort {
		held.Cause, held.Reason = CauseTooShort, h.explainTooShort(p)
	}
	return RunExcused, held
}
