// Package deliver notifies people: it claims pending alerts, sends them, and only
// then marks them as sent.
//
//	Turn: record what was sent ─┐ one transaction
//	      claim what is due ────┘
//	          │
//	          ├─▶ send, per channel one at a time, a few if it is slow ──▶ result ──▶ nudge
//	          ▼
//	      rest until the next alert is due
//
//	sent:    marked; what waited behind it is due now
//	refused: later, by the schedule in nextAttempt.go, or by the provider's Retry-After
//	final:   given up: on the incident and in the log
//	mixed:   sent, and a separate alert for each recipient that does not have it
//	always:  the channel works, or does not; channel_health.go announces changes
//
// Invariants:
//
//   - At least once: nothing is marked before the provider took it. Dying in
//     between tells twice, with the same alert id: at most one alert of each
//     channel that answers quickly.
//   - "Recovered" is never sent to a recipient before "opened" was delivered to them
//     or failed permanently.
//   - A slow or dead provider delays only its own channel.
//
// It does not know how any kind of channel works: that is package notify, behind
// Sender.
package deliver
