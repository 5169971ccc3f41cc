// Package notify knows how each kind of channel is told. It is the only place
// that opens outgoing connections.
//
//	News ──▶ Outside.Send ──▶ Kind.Send ──▶ webhook: guarded HTTP client ──▶ the world
//	             │                     └──▶ email: the operator's mail server
//	             └─ settings are validated again: a row is not trusted
//
// A kind of channel is said once, as a [Kind]: the form, the API's checks, the
// masking of secrets and the sending come from the same entry. The words that
// people read are said once too, by [News.Message], whatever the kind.
//
// The package refuses to decide who is told, to retry, or to remember what was
// delivered: package deliver owns that. One call is one attempt. The single
// exception is in memory and bounded: which recipients of one e-mail the mail
// server has already taken while it asked to wait for others.
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
