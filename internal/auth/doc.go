// Package auth authenticates people and programs. It turns a credential into an
// [Actor]: a project, a name and a role.
//
//	API key ──▶ Keys.Actor ─────────────────▶ Actor{Project, Name, Role} ──▶ May(ChangeHeartbeats)
//	cookie  ──▶ People.Current ──▶ Person ──▶ Person.Actor ──▲
//
// Package manage decides what a change means and whether its values are valid.
//
// Invariants:
//
//   - Secrets are stored as hashes only. The hash of a password is slow.
//   - Neither responses nor their duration reveal whether an address has an account.
//   - A session that was ended never becomes valid again.
//   - One table defines the rights of each role.
//   - A wrong, an unknown and a revoked credential get the same response.
package auth
