// Package notify sends notifications through each kind of channel. It is the only
// place that opens outgoing connections.
//
//	Notification ──▶ Sender.Send ──▶ Kind.Send ──▶ webhook: HTTP client with address guard
//	                     │                    └──▶ email: the mail server of the operator
//	                     └─ validates the stored settings again
//
// A [Kind] defines a kind of channel once: the form, the validation of the API, the
// masking of secrets and the sending use the same entry. [message.Notification.Message]
// returns the text for people, which is the same for all kinds.
//
// Package deliver decides who is notified, retries alerts and records deliveries. One
// call of Send is one attempt for the given recipients and returns the result of each.
//
// Invariants:
//
//   - A private, loopback or link-local address is never dialed for a channel unless
//     the operator allows it, whatever a name resolves to and wherever a redirect
//     points.
//   - Every failure is a [*SendError], which says whether a retry can succeed.
//   - No secret, and no path or query of a channel's URL, occurs in a [Receipt] or an
//     error, even if the server echoes it.
//   - Texts of jobs and people cannot add a header, a recipient or markup to a
//     message.
//   - All attempts for one alert have the same body and the same alert id.
//   - A reply of the mail server is permanent only if it concerns the mailbox. A mail
//     without a reply is reported as uncertain, not as failed.
package notify
