// Package deliver claims pending alerts, sends them, and marks them as sent.
//
//	RunOnce: record results ─┐ one transaction
//	         claim due ──────┘
//	             │
//	             ├─▶ send: as many per channel as its window allows ──▶ result ──▶ Wake
//	             ▼
//	         wait until the next alert is due
//
//	sent:       marked as sent; the next alert of the heartbeat and channel is released
//	retryable:  rescheduled by backoff.go, or by the Retry-After of the provider
//	permanent:  marked as failed, on the incident and in the log
//	mixed:      sent, with a separate alert for each recipient that failed
//	always:     the health of the channel; channel_health.go announces changes
//
// Invariants:
//
//   - Delivery is at least once: an alert is marked as sent only after the provider
//     accepted it. A crash in between sends it again with the same alert id. This
//     concerns at most the alerts in the window of each channel.
//   - "Recovered" is never sent to a recipient before "opened" was delivered to them
//     or failed permanently.
//   - A slow or unavailable provider delays only its own channel.
//   - A backlog delays no new alert: see store.Tx.Claim.
//
// Package notify, behind SendFunc, knows how each kind of channel works.
package deliver
