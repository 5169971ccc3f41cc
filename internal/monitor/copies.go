package monitor

import "time"

// A Heartbeat is a value, and a large one: a kilobyte. To evaluate a ping, about fifty
// methods are called, and copying the value for each took longer than all they do. So
// methods that only read have pointers as receivers inside this package. For other packages,
// the value methods below do the same.

// ExpectsPings reports whether silence counts as missed.
func (h Heartbeat) ExpectsPings() bool { return h.expectsPings() }

// Due returns when the next ping is expected, or zero if none is.
func (h Heartbeat) Due() time.Time { return h.due() }

// Deadline returns when silence opens an incident: the due time plus grace, or a later slot plus
// grace if the rule tolerates some failed runs in a row. A short blackout moves it.
func (h Heartbeat) Deadline() time.Time { return h.deadline() }

// RunDeadline returns when the first of the active runs exceeds its time limit, or zero if none
// can.
func (h Heartbeat) RunDeadline() time.Time { return h.runDeadline() }

// StartDeadline returns the time by which the expected run must start, or zero if none exists, or
// if a run that started by then is active.
func (h Heartbeat) StartDeadline() time.Time { return h.startDeadline() }

// NextEvaluation returns the next time at which the heartbeat changes without a ping, or zero if it
// cannot.
func (h Heartbeat) NextEvaluation() time.Time { return h.nextEvaluation() }

// ConsecutiveFailures returns the number of failed runs in a row, before the current silence.
func (h Heartbeat) ConsecutiveFailures() int { return h.consecutiveFailures() }
