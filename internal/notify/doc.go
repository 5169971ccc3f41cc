// Package notify knows how each kind of channel is told. It is the only place
// that opens outgoing connections.
//
//	News ──▶ Sender.Send ──▶ Kind.Send ──▶ webhook: guarded HTTP client ──▶ the world
//	             │                     └──▶ email: the operator's mail server
//	             └─ settings are validated again: a row is not trusted
//
// A kind of channel is said once, as a [Kind]: the form, the API's checks, the
// masking of secrets and the sending come from the same entry. The words that
// people read are said once too, by [Notification.Message], whatever the kind.
//
// The package does not decide who is notified, does not retry alerts, and does not
// record deliveries: package deliver does. One call is one attempt, for the
// recipients that it names, and reports the result of each.
//
// Invariants:
//
//   - a private, loopback or link-local address is never dialled for a channel
//     unless the operator allowed it, whatever the name resolves to and wherever
//     a redirect points;
//   - a "no" is always a [*Refusal], and says whether asking again can help;
//   - no secret, and no path or query of a channel's URL, occurs in a [Receipt]
//     or an error, also when the other side echoes it;
//   - nothing a job or a person wrote can add a header, a recipient or markup to
//     a message;
//   - two attempts at one alert carry the same body and the same alert id;
//   - an answer of the mail server is final only if it is about the mailbox, and a
//     mail whose answer was lost is reported as uncertain, not as failed.
package notify
