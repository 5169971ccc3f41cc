// Package monitor holds the rules: when a heartbeat is up, late or down, what
// opens an incident and what resolves it, and who is told.
//
// Everything here is a value and every change is a method that returns the new
// value together with what it means:
//
//	h, change := h.Hear(ping, horizon)
//	h, change := h.Lapse(now)
//
// The package never reads the clock, never sees a row, a request or a logger,
// and keeps nothing. Times are UTC with microsecond precision; a zero time
// means "none".
//
// Invariants, each of them a property test:
//
//   - The outcome does not depend on when the sweeper looked: hearing a ping,
//     an edit, a pause and a deletion first let pass whatever lapsed before.
//   - A ping that arrives at a boundary instant is in time; the status at that
//     instant, with no ping, is already the later one.
//   - A heartbeat is Down exactly while it has an open incident.
//   - An older ping never moves a heartbeat back in time.
package monitor
