// Package auth knows who is asking: it turns a credential into an [Actor],
// which says for which project somebody acts, under what name, and what they
// may do.
//
//	secret ──▶ Keys.Actor ──────────────▶ Actor{Project, Name, Role} ──▶ May(ChangeHeartbeats)
//	cookie ──▶ People.Current ──▶ Person ──▶ Person.Actor ──▲
//
// It refuses to decide what a change means or whether its values are right:
// package manage does, and asks the Actor first.
//
// Invariants:
//
//   - a secret is never kept, only its hash; that of a password is slow;
//   - nobody learns whether an address has an account, by words or by time;
//   - a session that was ended does not come back;
//   - what a role may do is said in one table, and nowhere else;
//   - a credential that is wrong, unknown or revoked is told apart by nobody.
package auth
