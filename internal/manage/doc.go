// Package manage reads and changes everything that people and programs manage. It is the only place
// that decides who may do what and which values are valid; the API and the pages both use it.
//
//	API or page ──▶ Service.ChangeHeartbeat(ctx, actor, id, edit)
//	                  does the actor have the right?   *monitor.Fault, Forbidden
//	                  is every value valid?            monitor.Faults, all of them at once
//	                  ┌──────── one transaction ────────┐
//	                  │ monitor decides what changes    │
//	                  │ heartbeat, incident, audit log  │
//	                  └─────────────────────────────────┘
//	                  wake watch, deliver and open pages (Signals)
//
// It returns values of the domain and does not know how an answer looks. It never receives pings and
// never delivers alerts.
//
// Invariants:
//
//   - An actor sees and changes only the project that the actor belongs to; other projects do not
//     exist for the actor.
//   - Values for an actor without the right to see them contain no heartbeat ids, which give the right
//     to ping, and no secrets of channels.
//   - Every change writes the audit log in its own transaction.
//   - A change without an effect writes nothing, so it is safe to repeat.
//   - The clock is read once per call.
//
// [HeartbeatFields] is the one table of the settings of a heartbeat.
package manage
