// Package deliver tells people: it claims what is owed, sends it, and only then
// marks it as sent.
//
//	Turn: note what was sent ─┐ one transaction
//	      claim what is due ──┘
//	          │
//	          ├─▶ send, per channel one at a time, a few if it is slow ──▶ result ──▶ nudge
//	          ▼
//	      rest until the next alert is due
//
//	sent:    marked; what waited behind it is due now
//	refused: later, by the schedule in again.go, or by the provider's Retry-After
//	final:   given up, loudly: on the incident, on the channel, on the other channels
//
// Invariants:
//
//   - At least once: nothing is marked before the provider took it. Dying in
//     between tells twice, with the same alert id: at most one alert of each
//     channel that answers quickly.
//   - "Recovered" is never told before "opened" was told or given up.
//   - A slow or dead provider holds up nobody but its own channel.
//
// It refuses to know how any kind of channel works: that is package notify,
// behind Sender.
package deliver
