// Package monitor holds the rules: when a heartbeat is up, late or down, what opens and resolves an
// incident, and which alerts a change sends.
//
// Everything here is a value. Every change is a method that returns the new value and a [Change]:
//
//	h, change := h.ApplyPing(ping, watermark)
//	h, change := h.Evaluate(now)
//
// The package never reads the clock, never sees a database row, a request or a logger, and keeps no
// state. Times are UTC with microsecond precision. A zero time means "none".
//
// Terms: a slot is a time at which a run is expected. A span is one or more slots in a row with the
// same outcome. The watermark is the time before which every accepted ping is stored.
//
// Invariants, each checked by a property test:
//
//   - The result does not depend on how often Evaluate runs: a ping, an edit, a pause and a deletion
//     first apply every deadline that passed before them.
//   - A ping that arrives exactly at a deadline is in time. Without a ping, the status at that instant
//     is already the later one.
//   - A heartbeat is Down exactly while it has an open incident.
//   - An older ping never moves a heartbeat back in time.
package monitor
