// Package manage is what people may see and change. It is the only place that
// decides who may and what is valid; the API and the pages both go through it.
//
//	face ──▶ Service.ChangeHeartbeat(ctx, actor, id, edit)
//	           may the actor?            *monitor.Fault, forbidden
//	           is every value right?     monitor.Faults, all of them at once
//	           ┌──────── one transaction ────────┐
//	           │ monitor says what it means      │
//	           │ the row, its news, the audit    │
//	           └─────────────────────────────────┘
//	           nudge watch (OnChange) and deliver (OnOwed)
//
// It refuses to know how an answer looks: faces get values of the domain. It
// never takes pings and never delivers alerts.
//
// Invariants:
//
//   - nobody sees or changes anything of a project that they do not act for: to
//     them it does not exist;
//   - what could ping (ids) is blank, and what is secret (settings of channels)
//     is dots, in every value that is handed out to somebody who may not see it;
//   - every change is written to the audit log in its own transaction;
//   - a change that changes nothing writes nothing, so repeating one is harmless.
//
// The clock is read once per call, and that moment is used throughout.
package manage
