package monitor

import (
	"slices"
	"time"
)

// Blackout is a time in which no node could take and commit pings: every node was stopped, the host
// was suspended, the disk was full, the database was unavailable, or a clock jumped. Silence in it
// proves nothing.
type Blackout struct {
	Key      int64 // counts from 1; later blackouts have higher keys
	From, To time.Time
	Cause    BlackoutCause
	Detail   string // what the server knows about the cause, for operators
}

// BlackoutCause is why a blackout happened. The values are part of the API.
type BlackoutCause string

// The causes.
const (
	BlackoutCrash    BlackoutCause = "crash"    // the server ended without a stop
	BlackoutStop     BlackoutCause = "stop"     // the server was stopped and started again
	BlackoutUpgrade  BlackoutCause = "upgrade"  // the same, and another version started
	BlackoutSuspend  BlackoutCause = "suspend"  // the process or its machine was suspended
	BlackoutDatabase BlackoutCause = "database" // the database stored nothing
	BlackoutDisk     BlackoutCause = "disk"     // the disk stored nothing
	BlackoutClock    BlackoutCause = "clock"    // the clock was set forward
)

// Length returns how long the blackout lasted.
func (b Blackout) Length() time.Duration { return b.To.Sub(b.From) }

// Limits of a minor blackout, which only moves the deadline.
const (
	maxMinorBlackout = 30 * time.Second // a longer one is not minor
	minorShare       = 10               // nor is one longer than a tenth of the window
	maxLead          = 5 * time.Minute  // before the due time, see applyBlackoutToWait
)

// NoticeThreshold is the length of a blackout above which channels are notified of it.
const NoticeThreshold = time.Minute

// minor reports whether the blackout is short compared with the window in which the ping was
// expected.
func (b Blackout) minor(window time.Duration) bool {
	return b.Length() < maxMinorBlackout && b.Length() < window/minorShare
}

// touches reports whether the blackout and the window have an instant in common.
func (b Blackout) touches(from, to time.Time) bool { return !b.From.After(to) && !b.To.Before(from) }

// BlackoutState is what blackouts changed in the current wait of a heartbeat. A ping that ends a
// run, a pause and a resumption reset it.
type BlackoutState struct {
	Applied        int64         // key of the newest blackout that is taken into account, 0 for none
	Credit         time.Duration // how much later the deadline is
	Unwatched      time.Duration // time of the current silence in which Overdue was not watching
	RestartedAfter Blackout      // the blackout from whose end the wait counts; zero for none
}

// BlackoutEffect is what one blackout changed for a heartbeat.
type BlackoutEffect struct {
	Blackout int64
	Kind     BlackoutEffectKind
	Due      time.Time // when the ping was expected
	Next     time.Time // when it is evaluated again: the new due time, or the new deadline
}

// BlackoutEffectKind is the kind of an effect. The values are part of the API.
type BlackoutEffectKind string

// The kinds.
const (
	// BlackoutUnknown means that the expected run is unknown.
	BlackoutUnknown BlackoutEffectKind = "unknown"
	// BlackoutMoved means that the deadline moved by the length of the blackout.
	BlackoutMoved BlackoutEffectKind = "moved"
)

// WithBlackouts returns the heartbeat with the blackouts that its next evaluation takes into
// account. all is in the order of the keys, and contains every blackout that ended by the time of
// that evaluation.
func (h Heartbeat) WithBlackouts(all []Blackout) Heartbeat {
	h.Blackouts, h.PendingBlackouts = all, nil
	if len(all) == 0 || all[len(all)-1].Key <= h.Blackout.Applied || h.Status == Paused {
		return h
	}
	since := h.waitsSince()
	first := len(all)
	for first > 0 && all[first-1].Key > h.Blackout.Applied && all[first-1].To.After(since) {
		first--
	}
	if first < len(all) {
		h.PendingBlackouts = all[first:]
	}
	return h
}

// waitsSince returns the start of the oldest wait that a blackout can affect.
func (h *Heartbeat) waitsSince() time.Time {
	since := h.CountedFrom
	if since.IsZero() {
		since = h.Created
	}
	for _, r := range h.ActiveRuns {
		since = Earlier(since, r.StartedAt)
	}
	return since
}

// nextBlackout returns the first blackout that is not taken into account and that begins by now.
func (h *Heartbeat) nextBlackout(now time.Time) (Blackout, bool) {
	if len(h.PendingBlackouts) == 0 || h.PendingBlackouts[0].From.After(now) {
		return Blackout{}, false
	}
	return h.PendingBlackouts[0], true
}

// applyBlackout takes a blackout into account. Every deadline before it has been applied.
func (h Heartbeat) applyBlackout(b Blackout, change Change) (Heartbeat, Change) {
	h.PendingBlackouts = h.PendingBlackouts[1:]
	h.Blackout.Applied = b.Key
	covered := h.coveredByRun(h.ActiveRuns, h.deadline(), time.Time{})
	h, effect := h.applyBlackoutToRuns(b)
	switch h.Status {
	case New:
		if moved := h.moveFirstPing(b); moved.Kind != "" {
			h.Blackout.Credit, effect = h.Blackout.Credit+moved.Next.Sub(h.Rule.ExpectFirstBy)-h.credit(), moved
		}
	case Up, Late:
		if !covered {
			h, effect, change = h.applyBlackoutToWait(b, effect, change)
		}
	case Down:
		h, change = h.recordUnwatched(b, change)
		effect = BlackoutEffect{} // it was evaluated before
	}
	h.Blackout.Unwatched += h.silenceIn(b)
	if effect.Kind != "" {
		effect.Blackout = b.Key
		change.BlackoutEffects = append(change.BlackoutEffects, effect)
	}
	return h, change
}

// silenceIn returns how much of a blackout belongs to the current silence.
func (h *Heartbeat) silenceIn(b Blackout) time.Duration {
	return max(0, b.To.Sub(laterOf(b.From, h.silentSince())))
}

// applyBlackoutBefore takes into account the part of a blackout before a ping that arrived in it, for
// example in a socket that was not read. The rest is taken into account later.
func (h Heartbeat) applyBlackoutBefore(at time.Time, change Change) (Heartbeat, Change) {
	b, pending := h.nextBlackout(at.Add(-Precision))
	if !pending || b.To.Before(at) {
		return h, change
	}
	b.To = at.Add(-Precision)
	var effect BlackoutEffect
	switch {
	case h.Status == Down:
		return h.recordUnwatched(b, change)
	case h.expectsPings() && h.due().Before(at) && !h.coveredByRun(h.ActiveRuns, h.deadline(), time.Time{}):
		h, effect, change = h.applyBlackoutToWait(b, effect, change)
	}
	if effect.Kind != "" {
		effect.Blackout = b.Key
		change.BlackoutEffects = append(change.BlackoutEffects, effect)
	}
	return h, change
}

// withoutBlackouts returns the heartbeat before the blackouts of its current wait, which become
// pending again: another rule can treat them differently.
func (h Heartbeat) withoutBlackouts() Heartbeat {
	h.Blackout = BlackoutState{RestartedAfter: h.Blackout.RestartedAfter}
	runs := slices.Clone(h.ActiveRuns)
	for i := range runs {
		runs[i].Credit, runs[i].UnwatchedUntil = 0, time.Time{}
	}
	h.ActiveRuns = runs
	h = h.WithBlackouts(h.Blackouts)
	for _, b := range h.Blackouts[:len(h.Blackouts)-len(h.PendingBlackouts)] {
		h.Blackout.Unwatched += h.silenceIn(b)
	}
	return h
}

// EvaluationDue returns when the heartbeat is due for evaluation: at the next time at which it
// changes without a ping, or at the end of a blackout that is not taken into account yet. It returns
// zero for never.
func (h Heartbeat) EvaluationDue() time.Time {
	next := h.afterWindows(h.nextEvaluation())
	if !next.IsZero() && len(h.PendingBlackouts) > 0 {
		b := h.PendingBlackouts[0]
		if w, begun := h.nextWindow(b.From); begun && w.From.Before(b.From) {
			b.To = laterOf(b.To, w.To) // the window is taken into account first
		}
		return Earlier(next, b.To)
	}
	return next
}

// moveFirstPing returns the effect of a blackout on the time by which the first ping is expected.
func (h Heartbeat) moveFirstPing(b Blackout) (e BlackoutEffect) {
	by := h.Rule.ExpectFirstBy.Add(h.credit())
	if h.Rule.ExpectFirstBy.IsZero() || !by.After(h.StaleBefore) || !b.touches(by, by) {
		return e
	}
	e = BlackoutEffect{Kind: BlackoutMoved, Due: h.Rule.ExpectFirstBy, Next: by.Add(b.Length())}
	if h.credit() > 0 || b.minor(h.Rule.Grace) {
		return e
	}
	if slot := h.slotFrom(b.To); !slot.IsZero() {
		e.Kind, e.Next = BlackoutUnknown, slot.Add(h.Rule.Grace)
	}
	return e
}

// slotFrom returns the first slot after t if the wait counts from t.
func (h Heartbeat) slotFrom(t time.Time) time.Time {
	h.CountedFrom = t
	return h.slotAfter(t)
}

// applyBlackoutToWait takes a blackout into account for the expected run.
//
// The wait starts again at the end of the blackout. If that has happened before, and Overdue has
// watched a whole period of the silence, the run is evaluated, however many blackouts there are: the
// deadline only moves. Otherwise, a job that dies would never be noticed if the server restarted
// each time that the job is due.
func (h Heartbeat) applyBlackoutToWait(b Blackout, effect BlackoutEffect, change Change) (Heartbeat, BlackoutEffect, Change) {
	due, deadline := h.due(), h.deadline()
	if due.IsZero() || deadline.IsZero() {
		return h, effect, change
	}
	gap := h.gapBefore(due)
	begin := due
	if h.Rule.Calendar == nil {
		begin = due.Add(-min(gap/minorShare, maxLead)) // jobs with an interval also ping a little sooner
	}
	if !b.touches(begin, deadline) {
		return h, effect, change
	}
	wait := deadline.Sub(due) - h.credit() // as if nothing had moved it
	watched := b.From.Sub(h.silentSince()) - h.Blackout.Unwatched
	judged := h.Blackout.RestartedAfter.Key > 0 && watched >= gap+wait
	if b.minor(wait+gap/minorShare) || judged {
		h.Blackout.Credit += b.Length()
		return h, BlackoutEffect{Kind: BlackoutMoved, Due: due, Next: h.deadline()}, change
	}
	h, change = h.startAgainAfter(b, change)
	return h, BlackoutEffect{Kind: BlackoutUnknown, Due: due, Next: h.due()}, change
}

// gapBefore returns the time between a slot and the previous one.
func (h *Heartbeat) gapBefore(slot time.Time) time.Duration {
	if h.Rule.Calendar == nil {
		return h.Rule.intervalStep()
	}
	gap, ok := h.Rule.slotGap(slot)
	if !ok {
		return 0
	}
	return gap
}

// startAgainAfter starts the wait again at the end of a blackout. Slots whose grace was over before
// it are failed runs, and the later ones up to its end are unknown.
func (h Heartbeat) startAgainAfter(b Blackout, change Change) (Heartbeat, Change) {
	failed := 0
	for slot := h.due(); !slot.IsZero() && slot.Add(h.Rule.Grace+h.credit()).Before(b.From) && failed < h.Rule.alertThreshold(); slot = h.slotAfter(slot) {
		failed++
	}
	h.FailedRuns, h.Tolerated = h.consecutiveFailures()+failed, ToleratedRuns{}
	h, change = h.recordUnwatched(b, change)
	h.EarlySlot = h.pendingEarlySlot(b.To)
	h.CountedFrom, h.History.DecidedUntil = b.To, laterOf(h.History.DecidedUntil, b.To)
	h.Status, change.LateSince = Up, time.Time{}
	h.Blackout.Credit, h.Blackout.RestartedAfter = 0, b
	if h.Maintenance != nil {
		h = h.changeMaintenance(func(s *MaintenanceState) { s.Credit, s.Restarted = 0, Window{} })
	}
	return h, change
}

// recordUnwatched records the slots whose grace was over before a blackout as missed, and the other
// ones up to its end as unknown.
func (h Heartbeat) recordUnwatched(b Blackout, change Change) (Heartbeat, Change) {
	h, closed := h.recordSilence(b.From.Add(-Precision))
	change.ClosedSpans = append(change.ClosedSpans, closed...)
	if !h.recordsMisses() {
		return h, change
	}
	floor := laterOf(h.History.DecidedUntil, h.countedUntil())
	unknown := h.missedSpans(floor, h.lastSlotBy(b.To, floor), maxSlots)
	for i := range unknown {
		unknown[i].Outcome = RunUnknown
	}
	h.History, closed = h.History.addAll(unknown)
	change.ClosedSpans = append(change.ClosedSpans, closed...)
	return h, change
}

// reopenUnknown returns the heartbeat without the last unknown or excused slot if the run still came within its
// grace: then its outcome is known.
func (h Heartbeat) reopenUnknown(e finishedRun) Heartbeat {
	last := h.History.Latest
	if !e.byPing || last.Outcome != RunUnknown && last.Outcome != RunExcused || last.Count == 0 || h.Status == Paused {
		return h
	}
	slot, limit := last.Last, h.Rule.runLimit()
	startedInTime := !e.startedAt.IsZero() && !e.startedAt.After(slot.Add(h.Rule.Grace)) && !e.startedAt.Add(limit).Before(e.endedAt)
	if slot.After(e.endedAt) || slot.Add(h.Rule.Grace).Before(e.endedAt) && !startedInTime {
		return h
	}
	if h.Rule.Calendar == nil {
		last.Last = slot.Add(-h.Rule.intervalStep())
	} else {
		if next := h.slotAfter(slot); !next.IsZero() && !next.After(e.endedAt) {
			return h
		}
		last.Last, _ = h.Rule.Calendar.schedule.Prev(slot)
		h.CountedFrom = Earlier(h.CountedFrom, slot.Add(-Precision))
	}
	if last.Count--; last.Count == 0 {
		last = Span{}
	}
	h.History = RunHistory{DecidedUntil: Earlier(h.History.DecidedUntil, slot.Add(-Precision)), Latest: last}
	return h
}

// blackoutStateAfterPing returns the state after a ping that ends a run. While other runs are in
// progress, it remembers which blackouts they have taken into account.
func (h *Heartbeat) blackoutStateAfterPing() BlackoutState {
	if len(h.ActiveRuns) == 0 {
		return BlackoutState{}
	}
	return BlackoutState{Applied: h.Blackout.Applied}
}
